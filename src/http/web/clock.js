// The daemon's time. A browser's clock may be wrong, so only its steps are used.
// @ts-check
import { attribute, say } from "./dom.js";

/** The daemon's time less the browser's monotonic one, in seconds. */
let offset = Date.now() / 1000 - performance.now() / 1000;

/** When time stands still because nothing is heard, the moment it does. */
let frozen = 0;

/** @type {Set<() => void>} */
const everySecond = new Set();

/**
 * The daemon's time, in seconds since the epoch.
 *
 * @returns {number}
 */
export function now() {
    return frozen || performance.now() / 1000 + offset;
}

/**
 * Takes over the time that the daemon told just now.
 *
 * @param {number} time
 */
export function sync(time) {
    offset = time - performance.now() / 1000;
    frozen = 0;
}

/** While the daemon is not heard nothing grows older: what is shown is what was last known. */
export function freeze() {
    frozen = now();
}

/**
 * Calls this every second, while the page is seen and the daemon heard.
 *
 * @param {() => void} callback
 */
export function onSecond(callback) {
    everySecond.add(callback);
}

setInterval(() => {
    if (document.hidden || frozen) return;
    for (const callback of everySecond) callback();
}, 1000);

/**
 * How long, in two units at most: `12 s`, `5 min`, `3 h 12 m`, `2 d 4 h`.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function duration(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < 60) return `${whole} s`;
    const minutes = Math.floor(whole / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} m` : `${hours} h`;
    const days = Math.floor(hours / 24);
    return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/**
 * A moment in the reader's own time zone.
 *
 * @param {number} time
 * @returns {string}
 */
export function moment(time) {
    return full.format(new Date(time * 1000));
}

/**
 * What a `<time>` element tells of a moment: how long it has been so, how long ago, or in how
 * long.
 *
 * @typedef {"for" | "ago" | "in"} Sense
 *
 * @param {HTMLElement} element
 * @param {Sense} sense
 * @param {number} time
 */
export function tell(element, sense, time) {
    if (!time) {
        say(element, "");
        return;
    }
    attribute(element, "datetime", new Date(time * 1000).toISOString());
    attribute(element, "title", moment(time));
    say(element, phrase(sense, time));
}

/**
 * @param {Sense} sense
 * @param {number} time
 * @returns {string}
 */
export function phrase(sense, time) {
    switch (sense) {
        case "for":
            return duration(now() - time);
        case "ago":
            return now() - time < 2 ? "just now" : `${duration(now() - time)} ago`;
        default:
            return time - now() < 1 ? "now" : `in ${duration(time - now())}`;
    }
}
