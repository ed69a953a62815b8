// What can be done with a program now, doing it, and saying what came of it.
// @ts-check
import { asError, call, inWords, programPath } from "./api.js";
import { confirm } from "./dialogs.js";
import * as store from "./store.js";

/** @import { Program } from "./store.js" */
/** @typedef {"start" | "stop" | "restart"} Action */

/**
 * What was answered to an action: it stands at the program it was asked of.
 *
 * @typedef {{ kind: "pending" | "ok" | "error", text: string }} Note
 */

/** How long a word of success stays, in milliseconds. A failure stays until it is closed. */
const SUCCESS_MILLISECONDS = 4000;

/** Signals sent to several programs go to this many at a time. */
const SIGNALS_AT_A_TIME = 4;

/** @type {Map<string, Note>} */
const notes = new Map();

/** @type {Set<(program: Program) => void>} */
const watchers = new Set();

/** What people send, and what for. */
export const SIGNALS = [
    ["HUP", "often: read the configuration anew"],
    ["USR1", "often: open log files anew"],
    ["USR2", ""],
    ["INT", "as Ctrl-C"],
    ["QUIT", "end, often with a core dump"],
    ["TERM", "ask to end"],
    ["CONT", "go on after STOP"],
    ["STOP", "pause"],
    ["KILL", "end at once; it cannot clean up"],
];

const DONE = { start: "started", stop: "stopped", restart: "restarted" };

/**
 * The actions that make sense in its state.
 *
 * @param {Program} program
 * @returns {Action[]}
 */
export function possible(program) {
    if (!store.may("operate") || !store.nodes.get(program.node)?.online) return [];
    switch (program.told.statename) {
        case "STOPPED":
        case "EXITED":
        case "FATAL":
            return ["start"];
        case "BACKOFF":
            return ["start", "stop"];
        case "STARTING":
        case "RUNNING":
            return ["stop", "restart"];
        default:
            return [];
    }
}

/**
 * @param {Program} program
 * @returns {boolean}
 */
export function canSignal(program) {
    const online = store.nodes.get(program.node)?.online ?? false;
    return store.may("operate") && online && program.told.pid > 0;
}

/**
 * @param {(program: Program) => void} watcher
 */
export function onNote(watcher) {
    watchers.add(watcher);
}

/**
 * @param {Program} program
 * @returns {Note | undefined}
 */
export function noteOf(program) {
    return notes.get(program.key);
}

/**
 * @param {Program} program
 * @param {Note | null} note
 */
export function setNote(program, note) {
    if (note) notes.set(program.key, note);
    else notes.delete(program.key);
    for (const watcher of watchers) watcher(program);
    if (note?.kind === "ok") {
        setTimeout(() => {
            if (notes.get(program.key) === note) setNote(program, null);
        }, SUCCESS_MILLISECONDS);
    }
}

/**
 * Starts, stops or restarts one program.
 *
 * @param {Program} program
 * @param {Action} action
 */
export async function act(program, action) {
    if (!possible(program).includes(action)) return;
    await noted(program, `asked to ${action}…`, DONE[action], () =>
        call("POST", programPath(action, program)),
    );
}

/**
 * Sends a signal; SIGKILL is asked about.
 *
 * @param {Program} program
 * @param {string} signal
 */
export async function send(program, signal) {
    if (signal === "KILL" && !(await confirmKill([program]))) return;
    await noted(program, `sending ${signal}…`, `${signal} was sent`, () =>
        call("POST", programPath("signal", program, signal)),
    );
}

/**
 * Empties a program's logs, once a person has said so again.
 *
 * @param {Program} program
 * @returns {Promise<boolean>}
 */
export async function clearLogs(program) {
    const sure = await confirm({
        title: `Clear the logs of ${program.id}?`,
        text: "Its stdout and stderr log are emptied. What they hold is lost.",
        action: "Clear logs",
        danger: true,
    });
    if (!sure) return false;
    return noted(program, "clearing the logs…", "the logs were cleared", () =>
        call("POST", "api/clearProcessLogs", { name: program.id }),
    );
}

/**
 * @param {Program} program
 * @param {string} pending
 * @param {string} done
 * @param {() => Promise<any>} work
 * @returns {Promise<boolean>}
 */
async function noted(program, pending, done, work) {
    setNote(program, { kind: "pending", text: pending });
    try {
        const answer = await work();
        if (answer?.success === false) throw asError(answer.error ?? "FAILED");
        setNote(program, { kind: "ok", text: done });
        return true;
    } catch (error) {
        setNote(program, { kind: "error", text: inWords(error) });
        return false;
    }
}

/**
 * Does it to several, and tells what came of each.
 *
 * @param {Program[]} programs
 * @param {Action} action
 * @returns {Promise<{ program: Program, error: string }[]>}
 */
export async function actOnAll(programs, action) {
    const fit = programs.filter((program) => possible(program).includes(action));
    for (const program of fit) setNote(program, { kind: "pending", text: `asked to ${action}…` });
    /** @type {Map<string, string>} */
    const failed = new Map();
    try {
        const body = fit.map(({ node, id }) => ({ node, program: id }));
        const { results } = await call("POST", `program/${action}Programs`, body);
        for (const result of results ?? []) {
            if (result.success) continue;
            const words = inWords(asError(result.error ?? "FAILED"));
            failed.set(`${result.node}\n${result.program}`, words);
        }
    } catch (error) {
        for (const program of fit) failed.set(program.key, inWords(error));
    }
    return fit.map((program) => conclude(program, failed.get(program.key) ?? "", DONE[action]));
}

/**
 * @param {Program[]} programs
 * @param {string} signal
 * @returns {Promise<{ program: Program, error: string }[]>}
 */
export async function sendToAll(programs, signal) {
    const fit = programs.filter(canSignal);
    if (signal === "KILL" && !(await confirmKill(fit))) return [];
    /** @type {{ program: Program, error: string }[]} */
    const results = [];
    const left = [...fit];
    const work = async () => {
        for (let program = left.shift(); program; program = left.shift()) {
            let error = "";
            try {
                await call("POST", programPath("signal", program, signal));
            } catch (failure) {
                error = inWords(failure);
            }
            results.push(conclude(program, error, `${signal} was sent`));
        }
    };
    await Promise.all(Array.from({ length: SIGNALS_AT_A_TIME }, work));
    return results;
}

/**
 * @param {Program} program
 * @param {string} error
 * @param {string} done
 * @returns {{ program: Program, error: string }}
 */
function conclude(program, error, done) {
    setNote(program, error ? { kind: "error", text: error } : { kind: "ok", text: done });
    return { program, error };
}

/**
 * @param {Program[]} programs
 * @returns {Promise<boolean>}
 */
function confirmKill(programs) {
    const [only] = programs;
    const whom = programs.length === 1 && only ? only.id : `${programs.length} programs`;
    return confirm({
        title: `Send KILL to ${whom}?`,
        text: "It ends at once and cannot save or clean up anything.",
        action: "Send KILL",
        danger: true,
    });
}
