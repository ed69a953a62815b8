// A program's panel: what is known of it beyond its row.
// @ts-check
import { act, canSignal, clearLogs, onNote, possible, send, SIGNALS } from "./actions.js";
import { call, inWords, programPath } from "./api.js";
import { duration, moment, now, onSecond, tell } from "./clock.js";
import { attribute, byId, h, say, show } from "./dom.js";
import { rows } from "./list.js";
import { openMenu } from "./menu.js";
import { draw, plot, SPAN_SECONDS } from "./plot.js";
import { back, go } from "./route.js";
import { noteElement } from "./row.js";
import { choose } from "./select.js";
import * as store from "./store.js";
import { bytes, lastExit, percent, sentence } from "./words.js";

/** @import { Program } from "./store.js" */

const panel = byId("panel");
const body = byId("panel-body");

/** @type {{ id: string, node: string } | null} */
let open = null;

/** @type {any} */
let detail = null;

/** What the daemon says of it that needs another question; its answer is awaited. */
let asked = 0;

const plots = { cpu: plot("cpu"), memory: plot("memory") };

/** Begins to follow the program that is shown. */
export function begin() {
    byId("panel-close").addEventListener("click", back);
    const concerns = (/** @type {Program} */ program) => open !== null && program === current();
    store.on("program", (program) => {
        if (concerns(program)) render();
    });
    store.on("removed", (program) => {
        if (open && program.id === open.id) render();
    });
    store.on("reset", () => {
        if (open && !body.querySelector(".panel-head")) void load();
        else if (open) render();
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
        if (mine === asked) detail = { failure: inWords(error) };
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
    body.replaceChildren(title, usageBlock(), facts(program), times(program));
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

const cpuValue = h("b");
const memoryValue = h("b");
const usagePlots = h(
    "div",
    { class: "usage-plots" },
    h("figure", {}, h("figcaption", {}, h("span", {}, "CPU"), cpuValue), plots.cpu),
    h("figure", {}, h("figcaption", {}, h("span", {}, "Memory"), memoryValue), plots.memory),
    h("p", { class: "axis" }, h("span", {}, `${SPAN_SECONDS / 60} min ago`), h("span", {}, "now")),
);

/** @returns {HTMLElement} */
function usageBlock() {
    return usagePlots;
}

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

/**
 * @param {Program} program
 * @returns {HTMLElement}
 */
function facts(program) {
    const { told } = program;
    const list = h("dl", { class: "facts" });
    /** @type {(name: string, ...value: (Node | string | null)[]) => void} */
    const fact = (name, ...value) => {
        if (value.every((part) => part === null || part === "")) return;
        list.append(h("dt", {}, name), h("dd", {}, ...value));
    };
    fact("Command", h("code", {}, detail?.command ?? told.command ?? ""));
    fact("Process", told.pid ? `pid ${told.pid}` : "none");
    fact("Last exit", lastExit(told));
    if (told.tries > 0) fact("Tries", `${told.tries} of ${told.retries + 1}`);
    fact("Restarts", `${told.restarts_last_hour ?? 0} in the last hour, ${told.restarts ?? 0} since it was added`);
    fact("Says", told.status_text ?? "");
    if (detail?.failure) fact("More", h("span", { class: "failure" }, detail.failure));
    if (detail && !detail.failure) more(fact, program);
    else if (!detail) fact("More", "asking the daemon…");
    fact("Control group", told.control_group ? h("code", {}, told.control_group) : null);
    return h("section", { class: "block" }, list);
}

/**
 * @param {(name: string, ...value: (Node | string | null)[]) => void} fact
 * @param {Program} program
 */
function more(fact, program) {
    const code = (/** @type {any} */ text) => (text || text === 0 ? h("code", {}, String(text)) : null);
    fact("Directory", code(detail.directory));
    fact("User", detail.user ? String(detail.user) : "the daemon's own");
    if (detail.config) fact("Configured", code(`${detail.config.file}:${detail.config.line}`));
    for (const channel of /** @type {const} */ (["stdout", "stderr"])) {
        const log = detail.logs?.[channel];
        if (!log) continue;
        const link = h("button", { type: "button", class: "link", data: { act: channel } }, log.path || channel);
        link.addEventListener("click", () => openLog(program, channel));
        const limit = log.maxbytes ? ` of ${bytes(log.maxbytes)}, ${log.backups} older kept` : "";
        fact(channel, link, h("small", {}, ` ${bytes(log.size ?? 0)}${limit}`));
    }
    const start = detail.autostart ? "with the supervisor" : "only when asked to";
    fact("Starts", `${start}; is running after ${duration(detail.startsecs ?? 0)}, tried ${(detail.startretries ?? 0) + 1} times`);
    fact("Restarts itself", restarts());
    const signals = Array.isArray(detail.stopsignal) ? detail.stopsignal.join(", ") : detail.stopsignal;
    fact("Stops", `with ${signals}, killed after ${duration(detail.stopwaitsecs ?? 0)}`);
    fact("Priority", String(detail.priority ?? ""));
    fact("umask", detail.umask ? code(detail.umask) : null);
    if (detail.notify) fact("Readiness", "it says itself when it is ready");
    for (const name of ["health", "readiness", "liveness", "dependencies", "depends_on"]) {
        const value = detail[name];
        if (!value || (Array.isArray(value) && value.length === 0)) continue;
        fact(name.replace("_", " "), typeof value === "string" ? value : Array.isArray(value) ? value.join(", ") : JSON.stringify(value));
    }
    const limits = Object.entries(detail.limits ?? {}).filter(([, value]) => value !== null);
    if (limits.length > 0) {
        fact("Limits", ...limits.map(([name, value]) => h("span", { class: "tag" }, `${name} ${value}`)));
    }
    const names = detail.environment ?? [];
    fact("Environment", ...(names.length > 0
        ? names.map((/** @type {string} */ name) => h("span", { class: "tag" }, name))
        : ["as the daemon's own"]));
}

/** @returns {string} */
function restarts() {
    const codes = (detail.exitcodes ?? []).join(", ");
    switch (String(detail.autorestart)) {
        case "true":
            return "always";
        case "false":
            return "never";
        default:
            return `unless it exits with ${codes || "an expected status"}`;
    }
}

/**
 * @param {Program} program
 * @returns {HTMLElement}
 */
function times(program) {
    const list = h("ol", { class: "times" });
    for (const [time, state] of [...(program.told.history ?? [])].reverse()) {
        const shown = h("time");
        attribute(shown, "datetime", new Date(time * 1000).toISOString());
        say(shown, moment(time));
        list.append(h("li", {}, h("span", { class: "dot", data: { state } }), h("b", {}, state.toLowerCase()), shown));
    }
    if (list.childElementCount === 0) list.append(h("li", {}, "No change since it was added."));
    return h("section", { class: "block" }, h("h3", {}, "Last changes"), list);
}
