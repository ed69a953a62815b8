// A program's state in words, and numbers as people read them.
// @ts-check

/** @import { Told, StateName } from "./types" */
/** @import { Sense } from "./clock.js" */

/** The states, in the order in which they are counted. @type {StateName[]} */
export const STATES = [
    "RUNNING", "STARTING", "STOPPING", "BACKOFF", "FATAL", "UNKNOWN", "EXITED", "STOPPED",
];

/** The worse, the smaller: what is broken. @type {Partial<Record<StateName, number>>} */
const RANK = { FATAL: 0, UNKNOWN: 1, BACKOFF: 2, STARTING: 2, EXITED: 3 };

/** The rank of everything that is as it should be. */
export const FINE = 9;

/**
 * How bad it is. What starts again after a failure is as bad as what waits to: it does not jump
 * about between two tries.
 *
 * @param {Told} program
 * @returns {number}
 */
export function rank(program) {
    switch (program.statename) {
        case "EXITED":
            return failed(program) ? 3 : FINE;
        case "STARTING":
            return program.tries > 1 ? 2 : FINE;
        default:
            return RANK[program.statename] ?? FINE;
    }
}

/**
 * Whether its last end was not one of success. What `exitcodes` expects was one: the daemon has
 * nothing to say against it.
 *
 * @param {Told} program
 * @returns {boolean}
 */
function failed(program) {
    const exit = program.exit;
    if (program.statename === "EXITED" && !program.spawnerr) return false;
    return exit !== null && exit !== undefined && ("signal" in exit || exit.code !== 0);
}

/**
 * Its state: a word, the reason, and a moment with what it means.
 *
 * @typedef {{ word: string, reason: string, sense: Sense, time: number }} Sentence
 *
 * @param {Told} program
 * @returns {Sentence}
 */
export function sentence(program) {
    const word = program.statename.toLowerCase();
    const told = program.reason ?? "";
    // "stopped by request" begins with the state; a reason that only repeats it says nothing.
    const inside = told.toLowerCase().startsWith(word) ? told.slice(word.length) : `: ${told}`;
    const reason = told === "" ? "" : inside.trim() === "" ? "" : inside;
    switch (program.statename) {
        case "RUNNING": {
            const text = program.status_text ? `: ${program.status_text}` : "";
            return { word, reason: text, sense: "for", time: program.changed };
        }
        case "STARTING":
        case "STOPPING":
            return { word, reason, sense: "for", time: program.changed };
        case "BACKOFF":
            return { word, reason, sense: "in", time: program.retry_at };
        case "STOPPED":
            if (!program.start && !program.stop) {
                return { word: "not started", reason: "", sense: "ago", time: 0 };
            }
            return { word, reason, sense: "ago", time: program.changed };
        default:
            return { word, reason, sense: "ago", time: program.changed };
    }
}

/**
 * The same as one text, without its time.
 *
 * @param {Told} program
 * @returns {string}
 */
export function inWords(program) {
    const { word, reason } = sentence(program);
    return word + reason;
}

/**
 * How it ended last.
 *
 * @param {Told} program
 * @returns {string}
 */
export function lastExit(program) {
    const exit = program.exit;
    if (!exit) return program.spawnerr || "";
    if ("signal" in exit) return `killed by ${exit.signal}${exit.core ? ", core dumped" : ""}`;
    return exit.code === 0 ? "status 0 (success)" : `status ${exit.code}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/**
 * @param {number} count
 * @returns {string}
 */
export function bytes(count) {
    let unit = 0;
    let value = count;
    while (value >= 1000 && unit < UNITS.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/**
 * @param {number} value
 * @returns {string}
 */
export function percent(value) {
    if (value < 0.05) return "0 %";
    return `${value >= 9.95 ? Math.round(value) : value.toFixed(1)} %`;
}

const grouping = new Intl.NumberFormat("en");

/**
 * @param {number} value
 * @returns {string}
 */
export function count(value) {
    return grouping.format(value);
}

/**
 * A count with its noun.
 *
 * @param {number} value
 * @param {string} noun
 * @returns {string}
 */
export function many(value, noun) {
    return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
