// A program's panel: what is known of it beyond its row.
// @ts-check
import { act, canSignal, onNote, possible } from "./actions.js";
import { call, inWords, programPath } from "./api.js";
import { now, onSecond, tell } from "./clock.js";
import { byId, h, say, show } from "./dom.js";
import { facts, times } from "./facts.js";
import { rows } from "./list.js";
import { draw, plot, SPAN_SECONDS } from "./plot.js";
import { openLog, signalMenu } from "./programmenu.js";
import { back } from "./route.js";
import { noteElement } from "./row.js";
import * as store from "./store.js";
import { bytes, percent, sentence } from "./words.js";

/** @import { Detail } from "./types" */
/** @import { Program } from "./store.js" */

const panel = byId("panel");
const body = byId("panel-body");

/** @type {{ id: string, node: string } | null} */
let open = null;

/** What the daemon tells of it when it is asked, or why it does not. @type {Detail | string | null} */
let detail = null;

/** Which question is the last: an answer to another one comes too late. */
let asked = 0;

const plots = { cpu: plot("cpu"), memory: plot("memory") };

/** Begins to follow the program that is shown. */
export function begin() {
    byId("panel-close").addEventListener("click", back);
    const concerns = (/** @type {Program} */ program) => open !== null && program === current();
    store.on("program", (program, from) => {
        if (!concerns(program)) return;
        // What is configured and how large the logs are may be other things now.
        if (from !== program.told.statename) void load();
        else render();
    });
    store.on("removed", (program) => {
        if (open && program.id === open.id) render();
    });
    store.on("reset", () => {
        if (open && !head) void load();
    });
    store.on("usage", () => {
        if (open) usage();
    });
    onNote((program) => {
        if (concerns(program)) note(program);
    });
    onSecond(() => {
        const program = current();
        if (program) time(program);
    });
}

/** The program whose panel is open. @returns {Program | undefined} */
export function current() {
    return open ? store.find(open.id, open.node) : undefined;
}

/**
 * Opens the panel of a program, or closes it.
 *
 * @param {{ id: string, node: string } | null} program
 */
export function showPanel(program) {
    const was = open;
    open = program;
    show(panel, open !== null);
    document.body.classList.toggle("with-panel", open !== null);
    for (const row of document.querySelectorAll("li.row.opened")) row.classList.remove("opened");
    const shown = current();
    if (shown) rows.get(shown.key)?.element.classList.add("opened");
    if (!open || (was && was.id === open.id && was.node === open.node)) return;
    detail = null;
    head = null;
    body.replaceChildren();
    body.scrollTop = 0;
    void load();
    panel.focus({ preventScroll: true });
}

async function load() {
    const program = current();
    render();
    if (!program) return;
    asked += 1;
    const mine = asked;
    try {
        const answer = await call("GET", programPath("detail", program));
        if (mine === asked) detail = answer;
    } catch (error) {
        if (mine === asked) detail = inWords(error);
    }
    if (mine === asked) render();
}

/** @type {{ word: HTMLElement, reason: HTMLElement, time: HTMLTimeElement, note: HTMLElement } | null} */
let head = null;

function render() {
    if (!open) return;
    const program = current();
    if (!program) {
        const text = store.supervisor
            ? `There is no program called ${open.id}.`
            : "Waiting for the daemon…";
        body.replaceChildren(h("p", { class: "nothing" }, text));
        head = null;
        return;
    }
    const { told } = program;
    const word = h("b", { class: "word" });
    const reason = h("span", { class: "reason" });
    const when = h("time");
    const noted = h("div", { class: "noted" });
    head = { word, reason, time: when, note: noted };
    const title = h(
        "div",
        { class: "panel-head row-like", data: { state: told.statename } },
        h("h2", { id: "panel-title" }, h("span", { class: "dot", data: { state: told.statename } }), h("bdi", {}, program.id)),
        h("p", { class: "state" }, word, reason, " ", when),
        buttons(program),
        noted,
    );
    const scroll = body.scrollTop;
    const focus = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.act : "";
    body.replaceChildren(title, usagePlots, facts(program, detail), times(program));
    body.scrollTop = scroll;
    const again = focus ? body.querySelector(`button[data-act="${focus}"]`) : null;
    if (again instanceof HTMLElement && !again.hidden) again.focus({ preventScroll: true });
    const line = sentence(told);
    say(word, line.word);
    say(reason, line.reason);
    time(program);
    note(program);
    usage();
}

/**
 * @param {Program} program
 */
function time(program) {
    if (!head) return;
    const line = sentence(program.told);
    tell(head.time, line.sense, line.time);
}

/**
 * @param {Program} program
 */
function note(program) {
    const element = noteElement(program);
    head?.note.replaceChildren(...(element ? [element] : []));
}

/**
 * @param {Program} program
 * @returns {HTMLElement}
 */
function buttons(program) {
    const row = h("div", { class: "actions" });
    const labels = { start: "Start", stop: "Stop", restart: "Restart" };
    for (const action of possible(program)) {
        const button = h("button", { type: "button", data: { act: action } }, labels[action]);
        button.addEventListener("click", () => void act(program, action));
        row.append(button);
    }
    const log = h("button", { type: "button", data: { act: "log" } }, "Log");
    log.addEventListener("click", () => openLog(program, "stdout"));
    row.append(log);
    if (canSignal(program)) {
        const signal = h("button", { type: "button", data: { act: "signal" }, "aria-haspopup": "menu" }, "Signal…");
        signal.addEventListener("click", () => signalMenu(signal, program));
        row.append(signal);
    }
    return row;
}

const cpuValue = h("b");
const memoryValue = h("b");
const usagePlots = h(
    "div",
    { class: "usage-plots" },
    h("figure", {}, h("figcaption", {}, h("span", {}, "CPU"), cpuValue), plots.cpu),
    h("figure", {}, h("figcaption", {}, h("span", {}, "Memory"), memoryValue), plots.memory),
    h("p", { class: "axis" }, h("span", {}, `${SPAN_SECONDS / 60} min ago`), h("span", {}, "now")),
);

function usage() {
    const program = current();
    if (!program) return;
    const known = program.cpu >= 0;
    show(usagePlots, known || program.series.length > 0);
    say(cpuValue, known ? percent(program.cpu) : "not running");
    say(memoryValue, known ? bytes(program.memory) : "not running");
    draw(plots.cpu, program.series, 1, now(), 10);
    draw(plots.memory, program.series, 2, now(), 1024 * 1024);
}
