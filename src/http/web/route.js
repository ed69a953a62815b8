// What the part of the address behind `#` means: `#p/NAME[/NODE]` a program's panel,
// `#log/NAME[/stdout|stderr[/NODE]]` its log, `#mainlog[/NODE]` the daemon's own.
// @ts-check

/**
 * @typedef {{ view: "list" }
 *   | { view: "panel", id: string, node: string }
 *   | { view: "log", id: string, channel: "stdout" | "stderr", node: string }
 *   | { view: "mainlog", node: string }} Route
 */

/** @type {Set<(route: Route) => void>} */
const watchers = new Set();

/** How many steps back there are that stay in this page. */
let depth = 0;

/** @returns {Route} */
export function route() {
    const [view = "", ...rest] = location.hash.slice(1).split("/").map(decode);
    const [id = "", second = "", third = ""] = rest;
    if (view === "p" && id) return { view: "panel", id, node: second };
    // What Supervisor's page called the tail of the main log leads here; a program of that name
    // always comes with its channel.
    if (view === "log" && id === "main" && rest.length === 1) return { view: "mainlog", node: "" };
    if (view === "log" && id) {
        return { view: "log", id, channel: second === "stderr" ? "stderr" : "stdout", node: third };
    }
    if (view === "mainlog") return { view: "mainlog", node: id };
    return { view: "list" };
}

/**
 * @param {string} part
 * @returns {string}
 */
function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

/**
 * @param {...string} parts
 * @returns {string}
 */
export function address(...parts) {
    while (parts.length > 1 && parts[parts.length - 1] === "") parts.pop();
    return `#${parts.map(encodeURIComponent).join("/")}`;
}

/**
 * Goes there; the browser's back leads back.
 *
 * @param {...string} parts
 */
export function go(...parts) {
    const to = address(...parts);
    if (location.hash === to) return;
    depth += 1;
    history.pushState({ depth }, "", to);
    changed();
}

/** Goes there in place of where we are. @param {...string} parts */
export function replace(...parts) {
    history.replaceState({ depth }, "", address(...parts));
    changed();
}

/** Leaves the panel or log that is open, for what was before it. */
export function back() {
    if (depth > 0) {
        history.back();
    } else {
        history.replaceState({ depth }, "", location.pathname + location.search);
        changed();
    }
}

/**
 * Calls this for each change.
 *
 * @param {(route: Route) => void} watcher
 */
export function onRoute(watcher) {
    watchers.add(watcher);
}

function changed() {
    const now = route();
    for (const watcher of watchers) watcher(now);
}

/** Begins to follow the address. */
export function begin() {
    depth = history.state?.depth ?? 0;
    addEventListener("popstate", () => {
        depth = history.state?.depth ?? 0;
        changed();
    });
    changed();
}
