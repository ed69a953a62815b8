// The connection to `/events`: what comes goes to the store, and silence is noticed.
// @ts-check
import { freeze } from "./clock.js";
import * as store from "./store.js";

/** The daemon speaks every 5 s; this long without a word, and the connection is given up. */
const SILENCE_SECONDS_MAX = 12;

/** How long until the next try, in milliseconds; the last of them again and again. */
const RETRY_MILLISECONDS = [200, 1000, 2000, 3000];

/** A page that nobody has looked at for this long lets go of its connection. */
const HIDDEN_MILLISECONDS_MAX = 5 * 60 * 1000;

/** @typedef {"connecting" | "live" | "lost" | "paused"} Life */

/** @type {Life} */
let life = "connecting";

/** When the daemon was last heard, on the browser's monotonic clock in milliseconds. */
let heardAt = 0;

/** @type {EventSource | null} */
let source = null;
let tries = 0;
let timer = 0;
let hiddenTimer = 0;

/** @type {Set<(life: Life, silent: number) => void>} */
const watchers = new Set();

/**
 * Calls this whenever life changes, and each second while the daemon is not heard, with the
 * seconds since it was.
 *
 * @param {(life: Life, silent: number) => void} watcher
 */
export function onLife(watcher) {
    watchers.add(watcher);
}

/** Begins to listen, for as long as the page is there. */
export function listen() {
    connect();
    setInterval(look, 1000);
    document.addEventListener("visibilitychange", () => {
        clearTimeout(hiddenTimer);
        if (document.hidden) hiddenTimer = window.setTimeout(pause, HIDDEN_MILLISECONDS_MAX);
        else if (life === "paused") connect();
        else look();
    });
    // A page that the browser had put aside comes back without its connection.
    window.addEventListener("pageshow", (event) => event.persisted && connect());
    window.addEventListener("online", () => {
        if (life === "lost") connect();
    });
}

function connect() {
    clearTimeout(timer);
    source?.close();
    // A connection of its own each time, and not the browser's resuming: a daemon that was
    // started anew counts its events from the beginning, so only a snapshot is sure.
    const made = new EventSource("events?snapshot=true&nodes=true");
    source = made;
    heardAt ||= performance.now();
    made.onerror = () => lose(made);
    hear(made, "snapshot", (data) => {
        tries = 0;
        store.takeSnapshot(data);
        become("live");
    });
    hear(made, "tick", store.takeTick);
    hear(made, "process_state", (data) => store.takeProgram(data.process));
    hear(made, "process_info", (data) => store.takeProgram(data.process));
    hear(made, "process_added", (data) => store.takeProgram(data.process));
    hear(made, "process_removed", (data) => store.takeRemoval(data.id));
    hear(made, "supervisor_state", (data) => store.takeSupervisorState(data.to));
    hear(made, "reload", (data) => store.takeReload(data.active));
    hear(made, "node", store.takeNode);
}

/**
 * @param {EventSource} from
 * @param {string} kind
 * @param {(data: any) => void} take
 */
function hear(from, kind, take) {
    from.addEventListener(kind, (event) => {
        if (from !== source) return;
        heardAt = performance.now();
        take(JSON.parse(event.data));
    });
}

/**
 * @param {EventSource} from
 */
function lose(from) {
    if (from !== source) return;
    from.close();
    source = null;
    const wait = RETRY_MILLISECONDS[Math.min(tries, RETRY_MILLISECONDS.length - 1)];
    tries += 1;
    timer = window.setTimeout(connect, wait);
    if (life !== "connecting" || tries > 1) become("lost");
}

function pause() {
    clearTimeout(timer);
    source?.close();
    source = null;
    become("paused");
}

/** Looks whether the daemon has fallen silent. */
function look() {
    const silent = (performance.now() - heardAt) / 1000;
    if (life === "live" && silent > SILENCE_SECONDS_MAX) {
        become("lost");
        connect();
    } else if (life === "lost" && source && silent > SILENCE_SECONDS_MAX) {
        // A try that neither fails nor answers is given up as well.
        if (Math.floor(silent) % SILENCE_SECONDS_MAX === 0) connect();
    }
    if (life !== "live") tell();
}

/**
 * @param {Life} next
 */
function become(next) {
    if (life === next) return;
    if (life === "live") freeze();
    life = next;
    tell();
}

function tell() {
    const silent = (performance.now() - heardAt) / 1000;
    for (const watcher of watchers) watcher(life, silent);
}
