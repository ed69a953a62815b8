// The menus of one program, and the way to its log.
// @ts-check
import { act, canSignal, clearLogs, possible, send, SIGNALS } from "./actions.js";
import { openMenu } from "./menu.js";
import { go } from "./route.js";
import { choose } from "./select.js";
import * as store from "./store.js";

/** @import { Program } from "./store.js" */

/**
 * @param {Program} program
 * @param {"stdout" | "stderr"} channel
 */
export function openLog(program, channel) {
    const node = store.nodes.get(program.node)?.own ? "" : program.node;
    go("log", program.id, channel, node);
}

/**
 * @param {HTMLElement} at
 * @param {Program} program
 */
export function signalMenu(at, program) {
    const items = SIGNALS.map(([signal = "", hint = ""]) => ({
        label: signal,
        hint,
        danger: signal === "KILL",
        act: signal,
        run: () => void send(program, signal),
    }));
    openMenu(at, `Signal to ${program.id}`, items);
}

/**
 * Everything that can be done with a program.
 *
 * @param {HTMLElement} at
 * @param {Program} program
 */
export function programMenu(at, program) {
    const labels = { start: "Start", stop: "Stop", restart: "Restart" };
    const actions = possible(program).map((action) => ({
        label: labels[action],
        act: action,
        run: () => void act(program, action),
    }));
    const node = store.nodes.get(program.node)?.own ? "" : program.node;
    openMenu(at, program.id, [
        ...actions,
        ...(canSignal(program)
            ? [{ label: "Send a signal…", act: "signal", run: () => signalMenu(at, program) }]
            : []),
        ...(actions.length > 0 ? [null] : []),
        { label: "Details", act: "details", run: () => go("p", program.id, node) },
        { label: "Log: stdout", act: "stdout", run: () => openLog(program, "stdout") },
        ...(hasStderr(program)
            ? [{ label: "Log: stderr", act: "stderr", run: () => openLog(program, "stderr") }]
            : []),
        ...(store.may("operate")
            ? [{ label: "Select", act: "select", run: () => choose(program.key, true) }]
            : []),
        ...(store.may("operate") && !node
            ? [null, { label: "Clear logs…", act: "clear", danger: true, run: () => void clearLogs(program) }]
            : []),
    ]);
}

/**
 * @param {Program} program
 * @returns {boolean}
 */
function hasStderr(program) {
    return Boolean(program.told.stderr_logfile);
}
