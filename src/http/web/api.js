// Calls to the daemon. Every path is relative, so that the page works below any path of a proxy.
// @ts-check

/** A call that failed: the failure's name, and in words why. */
export class ApiError extends Error {
    /**
     * @param {string} kind
     * @param {string} message
     */
    constructor(kind, message) {
        super(message);
        this.kind = kind;
    }
}

/**
 * Asks or tells the daemon, and gives its answer.
 *
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function call(method, path, body) {
    /** @type {RequestInit} */
    const request = { method, headers: { Accept: "application/json" }, cache: "no-store" };
    if (body !== undefined) {
        request.body = JSON.stringify(body);
        request.headers = { ...request.headers, "Content-Type": "application/json" };
    }
    const response = await reach(path, request);
    if (!response.ok) throw await failure(response);
    try {
        return await response.json();
    } catch {
        throw new ApiError("UNREADABLE", "the daemon's answer cannot be read");
    }
}

/**
 * @param {string} path
 * @param {RequestInit} request
 * @returns {Promise<Response>}
 */
export async function reach(path, request) {
    try {
        return await fetch(path, request);
    } catch (error) {
        if (error instanceof DOMException && error.name === "AbortError") throw error;
        throw new ApiError("UNREACHABLE", "the daemon does not answer");
    }
}

/**
 * What an answer that is none says.
 *
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
export async function failure(response) {
    try {
        const { error } = await response.json();
        return asError(error);
    } catch {
        const why = response.status === 401 ? "you are not logged in" : response.statusText;
        return new ApiError(`HTTP ${response.status}`, why || "the daemon refuses");
    }
}

/**
 * The daemon's words begin with the failure's name, which is shown apart from them.
 *
 * @param {any} error
 * @returns {ApiError}
 */
export function asError(error) {
    if (typeof error === "string") {
        const [kind = "", ...rest] = error.split(": ");
        return new ApiError(kind, rest.join(": "));
    }
    const kind = String(error?.kind ?? "FAILED");
    const message = String(error?.message ?? "");
    return new ApiError(kind, message.startsWith(kind) ? message.slice(kind.length + 2) : message);
}

/**
 * A failure as one text.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function inWords(error) {
    if (error instanceof ApiError) {
        return error.message ? `${error.kind}: ${error.message}` : error.kind;
    }
    return error instanceof Error ? error.message : String(error);
}

/**
 * The path of something of a program.
 *
 * @param {string} what
 * @param {{ node: string, id: string }} program
 * @param {...string} rest
 * @returns {string}
 */
export function programPath(what, program, ...rest) {
    return ["program", what, program.node, program.id, ...rest].map(encodeURIComponent).join("/");
}
