// Reading a log of any size: pieces of it, its end as it is written, and a search through it.
// @ts-check
import { ApiError, failure, programPath, reach } from "./api.js";

/** @import { Match } from "./types" */

/** A piece that is read at a time, in bytes. */
export const PIECE_BYTES = 128 * 1024;

/** A line longer than this, in bytes, is shown as several. */
const LINE_BYTES_MAX = 8 * 1024;

/** What the daemon writes into the stream when the file has become shorter. */
const TRUNCATED = "==> File truncated <==";

const NEWLINE = 10;

/** A line, and where in the file it begins. @typedef {{ offset: number, text: string }} Line */

/** Bytes of a file from an offset on, and the file's size. @typedef {{ from: number, bytes: Uint8Array, size: number }} Piece */

export class LogFile {
    /**
     * @param {string} path the log's, as the daemon serves it
     */
    constructor(path) {
        this.path = path;
    }

    /**
     * A program's log.
     *
     * @param {{ node: string, id: string }} program
     * @param {"stdout" | "stderr"} channel
     */
    static ofProgram(program, channel) {
        return new LogFile(programPath("log", program, channel));
    }

    /**
     * The log of a daemon, this one's where no node is named.
     *
     * @param {string} node
     */
    static ofDaemon(node) {
        return new LogFile(node ? `supervisor/${encodeURIComponent(node)}/log` : "supervisor/log");
    }

    /**
     * Bytes of the file; with a negative `from`, that many at its end.
     *
     * @param {number} from
     * @param {number} length
     * @param {AbortSignal} signal
     * @returns {Promise<Piece>}
     */
    async read(from, length, signal) {
        const range = from < 0 ? `bytes=${from}` : `bytes=${from}-${from + length - 1}`;
        const response = await reach(this.path, { headers: { Range: range }, cache: "no-store", signal });
        const told = response.headers.get("Content-Range") ?? "";
        if (response.status === 416) {
            const size = Number(/\/(\d+)$/.exec(told)?.[1] ?? 0);
            return { from: size, bytes: new Uint8Array(), size };
        }
        if (!response.ok) throw await failure(response);
        const bytes = new Uint8Array(await response.arrayBuffer());
        const found = /^bytes (\d+)-\d+\/(\d+)$/.exec(told);
        // A file that is empty, or shorter than what was asked for, may come as a whole.
        if (!found) return { from: 0, bytes, size: bytes.length };
        return { from: Number(found[1]), bytes, size: Number(found[2]) };
    }

    /**
     * Every byte from an offset on as it is written, until it is aborted.
     *
     * @param {number} offset
     * @param {AbortSignal} signal
     * @param {(bytes: Uint8Array) => void} take
     */
    async follow(offset, signal, take) {
        const path = `${this.path}?follow=true&offset=${offset}`;
        const response = await reach(path, { cache: "no-store", signal });
        if (!response.ok) throw await failure(response);
        const reader = response.body?.getReader();
        if (!reader) return;
        for (;;) {
            const { done, value } = await reader.read().catch(gone);
            if (done) return;
            take(value);
        }
    }

    /**
     * Lines with a text, in portions. Ends early when the signal says so.
     *
     * @param {string} text
     * @param {AbortSignal} signal
     * @param {(found: { matches: Match[], upTo: number, size: number }) => boolean} take
     */
    async search(text, signal, take) {
        let from = 0;
        for (;;) {
            const query = new URLSearchParams({ search: text, from: String(from), limit: "500" });
            const response = await reach(`${this.path}?${query}`, { cache: "no-store", signal });
            if (!response.ok) throw await failure(response);
            const { matches, next, size } = await response.json();
            const more = take({ matches, upTo: next ?? size, size });
            // The daemon always gets on; should it not, the search ends all the same.
            if (!more || next === null || next === undefined || next <= from) return;
            from = next;
        }
    }

    /** Where the whole file is to be had. @returns {string} */
    get download() {
        return `${this.path}?download=true`;
    }
}

/**
 * @param {unknown} error
 * @returns {never}
 */
function gone(error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("UNREACHABLE", "the daemon does not answer");
}

const decoder = new TextDecoder();

/**
 * Cuts bytes into lines. The rest behind the last newline is given back, unless it is taken for
 * a line as well.
 *
 * @param {Uint8Array} bytes
 * @param {number} from where in the file they begin
 * @param {boolean} whole whether the rest is a line
 * @param {number} [most] only so many of the last lines are decoded
 * @returns {{ lines: Line[], rest: Uint8Array, count: number }}
 */
export function cut(bytes, from, whole, most = Infinity) {
    /** @type {[number, number][]} */
    const places = [];
    let at = 0;
    while (at < bytes.length) {
        const newline = bytes.indexOf(NEWLINE, at);
        if (newline === -1 && !whole && bytes.length - at < LINE_BYTES_MAX) break;
        let end = newline === -1 ? bytes.length : newline;
        let next = newline === -1 ? bytes.length : newline + 1;
        if (end - at > LINE_BYTES_MAX) {
            end = next = boundary(bytes, at + LINE_BYTES_MAX);
        }
        places.push([at, end]);
        at = next;
    }
    const shown = places.length > most ? places.slice(places.length - most) : places;
    const lines = shown.map(([start, end]) => ({
        offset: from + start,
        text: decoder.decode(bytes.subarray(start, end)),
    }));
    return { lines, rest: bytes.subarray(at), count: places.length };
}

/**
 * Bytes without the piece of a line that they begin with, and where in the file they begin then.
 * Of a line so long that it is shown as several, only a torn character is left out.
 *
 * @param {Uint8Array} bytes
 * @param {number} from
 * @returns {[number, Uint8Array]}
 */
export function fromLine(bytes, from) {
    if (from === 0) return [0, bytes];
    const newline = bytes.subarray(0, LINE_BYTES_MAX).indexOf(NEWLINE);
    let skip = newline + 1;
    if (newline === -1) {
        while (skip < 3 && ((bytes[skip] ?? 0) & 0xc0) === 0x80) skip += 1;
    }
    return [from + skip, bytes.subarray(skip)];
}

/**
 * Where a character of UTF-8 begins, at this place or before it.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {number}
 */
function boundary(bytes, at) {
    let place = at;
    while (place > at - 4 && ((bytes[place] ?? 0) & 0xc0) === 0x80) place -= 1;
    return place;
}

/**
 * How many lines end in these bytes.
 *
 * @param {Uint8Array} bytes
 * @returns {number}
 */
export function newlines(bytes) {
    let found = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) found += 1;
    return found;
}

const mark = new TextEncoder().encode(`${TRUNCATED}\n`);

/**
 * Whether the daemon says here that the file was truncated.
 *
 * @param {Uint8Array} bytes
 * @returns {boolean}
 */
export function saysTruncated(bytes) {
    return bytes.length >= mark.length && mark.every((byte, at) => bytes[at] === byte);
}

/**
 * One after the other.
 *
 * @param {...Uint8Array} pieces
 * @returns {Uint8Array}
 */
export function join(...pieces) {
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
    }
    return whole;
}
