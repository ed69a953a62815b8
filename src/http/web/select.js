// Several programs at once: which are chosen, the bar for all of them, and what came of each.
// @ts-check
import { actOnAll, canSignal, possible, sendToAll, SIGNALS } from "./actions.js";
import { confirm } from "./dialogs.js";
import { byId, h, say, show } from "./dom.js";
import { onGroupMenu } from "./group.js";
import { rows, shownRows } from "./list.js";
import { openMenu } from "./menu.js";
import { rowOf } from "./row.js";
import * as store from "./store.js";

/** @import { Program } from "./store.js" */
/** @import { Action } from "./actions.js" */

/** Stopping or restarting this many is asked about. */
const ASKED_FROM = 2;

/** @type {Set<string>} */
const chosen = new Set();

/** The last row that was chosen by hand: where a range begins. */
let anchor = "";

const bar = byId("selection");
const results = byId("results");

/** Begins to follow what is chosen. */
export function begin() {
    const list = byId("programs");
    let shift = false;
    list.addEventListener("click", (event) => (shift = event.shiftKey), true);
    list.addEventListener("change", (event) => {
        const row = rowOf(event.target);
        if (!row) return;
        const input = /** @type {HTMLInputElement} */ (event.target);
        choose(row.program.key, input.checked, shift);
    });
    for (const button of bar.querySelectorAll("button[data-act]")) {
        button.addEventListener("click", () => {
            const act = /** @type {HTMLElement} */ (button).dataset.act ?? "";
            const programs = selected();
            if (act === "signal") signals(/** @type {HTMLElement} */ (button), programs);
            else if (act === "none") clear();
            else void run(programs, /** @type {Action} */ (act));
        });
    }
    byId("close-results").addEventListener("click", () => show(results, false));
    store.on("removed", (program) => {
        if (chosen.delete(program.key)) tell();
    });
    store.on("program", (program, from) => {
        if (chosen.has(program.key) && from !== program.told.statename) tell();
    });
    onGroupMenu(groupMenu);
}

/** @returns {Program[]} */
function selected() {
    /** @type {Program[]} */
    const programs = [];
    for (const key of chosen) {
        const row = rows.get(key);
        if (row) programs.push(row.program);
    }
    return programs;
}

/**
 * Chooses one, or all from the last one on; or no longer.
 *
 * @param {string} key
 * @param {boolean} on
 * @param {boolean} range
 */
export function choose(key, on, range = false) {
    let keys = [key];
    if (range && anchor) {
        const shown = shownRows().map((row) => row.program.key);
        const ends = [shown.indexOf(anchor), shown.indexOf(key)].sort((a, b) => a - b);
        if (ends[0] !== -1) keys = shown.slice(ends[0], (ends[1] ?? 0) + 1);
    }
    anchor = key;
    for (const one of keys) set(one, on);
    tell();
}

/**
 * @param {string} key
 */
export function toggle(key) {
    if (store.may("operate")) choose(key, !chosen.has(key));
}

/**
 * @param {string} key
 * @param {boolean} on
 */
function set(key, on) {
    if (on) chosen.add(key);
    else chosen.delete(key);
    const row = rows.get(key);
    if (!row) return;
    /** @type {HTMLInputElement} */ (row.pick).checked = on;
    row.element.classList.toggle("chosen", on);
}

/** Chooses none; says whether there were any. @returns {boolean} */
export function clear() {
    const had = chosen.size > 0 || !results.hidden;
    for (const key of [...chosen]) set(key, false);
    show(results, false);
    tell();
    return had;
}

function tell() {
    const programs = selected();
    show(bar, programs.length > 0);
    document.body.classList.toggle("selecting", programs.length > 0);
    say(byId("selected"), `${programs.length} selected`);
    for (const button of bar.querySelectorAll("button[data-act]")) {
        const { act = "" } = /** @type {HTMLElement} */ (button).dataset;
        if (act === "none") continue;
        const fits = programs.some((program) =>
            act === "signal" ? canSignal(program) : possible(program).includes(/** @type {Action} */ (act)),
        );
        /** @type {HTMLButtonElement} */ (button).disabled = !fits;
    }
}

/**
 * @param {Program[]} programs
 * @param {Action} action
 */
async function run(programs, action) {
    const fit = programs.filter((program) => possible(program).includes(action));
    if (fit.length === 0) return;
    if (action !== "start" && fit.length >= ASKED_FROM) {
        const verb = action === "stop" ? "Stop" : "Restart";
        const sure = await confirm({
            title: `${verb} ${fit.length} programs?`,
            text: names(fit),
            action: `${verb} ${fit.length}`,
            danger: true,
        });
        if (!sure) return;
    }
    report(`${{ start: "Starting", stop: "Stopping", restart: "Restarting" }[action]} ${fit.length}…`, []);
    const done = await actOnAll(fit, action);
    conclude(done, { start: "started", stop: "stopped", restart: "restarted" }[action], programs.length);
}

/**
 * @param {Program[]} programs
 * @returns {string}
 */
function names(programs) {
    const first = programs.slice(0, 8).map(({ id }) => id);
    const more = programs.length - first.length;
    return first.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/**
 * @param {HTMLElement} at
 * @param {Program[]} programs
 */
function signals(at, programs) {
    const items = SIGNALS.map(([signal = "", hint = ""]) => ({
        label: signal,
        hint,
        danger: signal === "KILL",
        act: signal,
        run: async () => {
            const done = await sendToAll(programs, signal);
            if (done.length > 0) conclude(done, `got ${signal}`, programs.length);
        },
    }));
    openMenu(at, "Send a signal", items);
}

/**
 * @param {{ program: Program, error: string }[]} done
 * @param {string} verb
 * @param {number} asked
 */
function conclude(done, verb, asked) {
    const failed = done.filter(({ error }) => error !== "").length;
    const well = done.length - failed;
    const words = [`${well} ${verb}`];
    if (failed > 0) words.push(`${failed} failed`);
    if (asked > done.length) words.push(`${asked - done.length} left as they were`);
    done.sort((a, b) => Number(b.error !== "") - Number(a.error !== ""));
    report(
        words.join(", "),
        done.map(({ program, error }) =>
            h(
                "li",
                { class: error ? "error" : "ok" },
                h("bdi", {}, program.id),
                h("span", {}, error || verb),
            ),
        ),
    );
}

/**
 * @param {string} title
 * @param {HTMLElement[]} items
 */
function report(title, items) {
    say(byId("results-title"), title);
    byId("results-list").replaceChildren(...items);
    show(results, true);
}

/**
 * @param {HTMLElement} at
 * @param {{ title: string, programs: () => Program[] }} group
 */
function groupMenu(at, group) {
    const programs = group.programs();
    const able = (/** @type {Action} */ action) =>
        programs.filter((program) => possible(program).includes(action)).length;
    /** @type {[Action, string][]} */
    const verbs = [["start", "Start"], ["stop", "Stop"], ["restart", "Restart"]];
    const items = verbs
        .filter(([action]) => able(action) > 0)
        .map(([action, verb]) => ({
            label: `${verb} ${able(action)}${action !== "start" && able(action) >= ASKED_FROM ? "…" : ""}`,
            act: action,
            run: () => void run(programs, action),
        }));
    openMenu(at, group.title, [
        ...items,
        ...(items.length > 0 ? [null] : []),
        {
            label: "Select all",
            act: "select",
            run: () => {
                for (const { key } of programs) set(key, true);
                tell();
            },
        },
    ]);
}
