// One program's row. It touches only what has changed.
// @ts-check
import { noteOf, possible, setNote } from "./actions.js";
import { now, tell } from "./clock.js";
import { attribute, h, say, show } from "./dom.js";
import { draw, plot } from "./plot.js";
import { address } from "./route.js";
import * as store from "./store.js";
import { bytes, inWords, percent, sentence } from "./words.js";

/** @import { Program } from "./store.js" */

/** A processor's plot goes to this many percent at least, and one of memory to this many bytes. */
const CPU_LEAST = 10;
const MEMORY_LEAST = 1024 * 1024;

const template = make();

function make() {
    const button = (/** @type {string} */ act, /** @type {string} */ label) =>
        h("button", { type: "button", data: { act } }, label);
    const more = button("more", "⋯");
    more.setAttribute("aria-haspopup", "menu");
    const pick = h("label", { class: "pick" }, h("input", { type: "checkbox" }));
    return h(
        "li",
        { class: "row", tabindex: "-1" },
        pick,
        h("span", { class: "dot", "aria-hidden": "true" }),
        h("a", { class: "name" }, h("bdi", {}, h("span", { class: "of" }), h("span"))),
        h(
            "div",
            { class: "state" },
            h("b", { class: "word" }),
            h("span", { class: "reason" }),
            " ",
            h("time"),
        ),
        h(
            "div",
            { class: "meta" },
            h("span", { class: "pid", title: "process id" }),
            h("span", { class: "cpu", title: "processor, of one core; last ten minutes" }, plot("cpu"), h("span", { class: "value" })),
            h("span", { class: "memory", title: "memory; last ten minutes" }, plot("memory"), h("span", { class: "value" })),
            h("span", { class: "restarts" }),
        ),
        h(
            "div",
            { class: "actions" },
            button("start", "Start"),
            button("stop", "Stop"),
            button("restart", "Restart"),
            button("log", "Log"),
            more,
        ),
    );
}

/**
 * @template {Element} T
 * @param {Element} within
 * @param {string} selector
 * @returns {T}
 */
function part(within, selector) {
    return /** @type {T} */ (within.querySelector(selector));
}

/** @type {WeakMap<Element, Row>} */
const rows = new WeakMap();

/**
 * The row that an element is in.
 *
 * @param {EventTarget | null} target
 * @returns {Row | undefined}
 */
export function rowOf(target) {
    const element = target instanceof Element ? target.closest("li.row") : null;
    return element ? rows.get(element) : undefined;
}

export class Row {
    /**
     * @param {Program} program
     */
    constructor(program) {
        const element = /** @type {HTMLLIElement} */ (template.cloneNode(true));
        this.program = program;
        this.element = element;
        /** Whether it is on the screen: only then its times and plots are kept up to date. */
        this.seen = false;
        /** What it is sorted by. */
        this.order = "";
        this.pick = part(element, "input");
        this.dot = part(element, ".dot");
        this.state = part(element, ".state");
        this.word = part(element, ".word");
        this.reason = part(element, ".reason");
        /** @type {HTMLTimeElement} */
        this.time = part(element, "time");
        this.pid = part(element, ".pid");
        this.restarts = part(element, ".restarts");
        this.cpu = part(element, ".cpu .value");
        this.memory = part(element, ".memory .value");
        /** @type {HTMLButtonElement[]} */
        this.buttons = [...element.querySelectorAll("button")];
        /** @type {HTMLElement | null} */
        this.note = null;
        const link = part(element, ".name");
        const { id, node } = program;
        link.setAttribute("href", address("p", id, store.nodes.get(node)?.own ? "" : node));
        // The group of a program goes before its name, and less loud.
        const own = program.told.name;
        say(part(link, ".of"), id.endsWith(own) ? id.slice(0, id.length - own.length) : "");
        say(part(link, ".of + span"), id.endsWith(own) ? own : id);
        link.setAttribute("title", id);
        this.pick.setAttribute("aria-label", `select ${id}`);
        element.dataset.key = program.key;
        element.dataset.id = id;
        rows.set(element, this);
        this.update();
        this.usage();
    }

    /** Shows what the daemon told last. */
    update() {
        const { told } = this.program;
        attribute(this.element, "data-state", told.statename);
        attribute(this.dot, "data-state", told.statename);
        const { word, reason, sense, time } = sentence(told);
        say(this.word, word);
        say(this.reason, reason);
        attribute(this.reason, "title", reason === "" ? null : inWords(told));
        tell(this.time, sense, time);
        this.element.classList.toggle("down", !told.pid);
        say(this.pid, told.pid ? String(told.pid) : "");
        const restarts = told.restarts_last_hour;
        say(this.restarts, restarts ? `↻ ${restarts}` : "");
        attribute(this.restarts, "title", restarts ? `${restarts} restarts in the last hour` : null);
        this.allow();
        if (!told.pid) this.usage();
    }

    /** Shows only the actions that make sense now. */
    allow() {
        const sensible = /** @type {string[]} */ (possible(this.program));
        for (const button of this.buttons) {
            const act = button.dataset.act ?? "";
            show(button, act === "log" || act === "more" || sensible.includes(act));
            if (act === "more") attribute(button, "aria-label", `more for ${this.program.id}`);
        }
    }

    /** Shows what it uses. */
    usage() {
        const { cpu, memory, series } = this.program;
        this.element.classList.toggle("unused", cpu < 0);
        say(this.cpu, cpu < 0 ? "" : percent(cpu));
        say(this.memory, cpu < 0 ? "" : bytes(memory));
        if (!this.seen) return;
        const end = now();
        const [cpuPlot, memoryPlot] = this.element.querySelectorAll("svg");
        if (cpuPlot) draw(cpuPlot, series, 1, end, CPU_LEAST);
        if (memoryPlot) draw(memoryPlot, series, 2, end, MEMORY_LEAST);
    }

    /** A second has passed. */
    second() {
        const { sense, time } = sentence(this.program.told);
        tell(this.time, sense, time);
    }

    /**
     * It came onto the screen, or left it.
     *
     * @param {boolean} seen
     */
    see(seen) {
        this.seen = seen;
        if (!seen) return;
        this.second();
        this.usage();
    }

    /** Shows what came of the last action. */
    tellNote() {
        const note = noteOf(this.program);
        this.note?.remove();
        this.note = note ? noteElement(this.program) : null;
        // A failure has a line of its own; anything else stands beside the state and moves nothing.
        if (this.note) (note?.kind === "error" ? this.element : this.state).append(this.note);
        this.element.classList.toggle("asked", note?.kind === "pending");
        this.element.classList.toggle("noted", note !== undefined && note.kind !== "error");
    }
}

/**
 * What came of the last action, as an element that can be closed when it is a failure.
 *
 * @param {Program} program
 * @returns {HTMLElement | null}
 */
export function noteElement(program) {
    const note = noteOf(program);
    if (!note) return null;
    const role = note.kind === "error" ? "alert" : "status";
    const element = h("p", { class: `note ${note.kind}`, role }, h("span", {}, note.text));
    if (note.kind === "error") {
        const close = h("button", { type: "button", class: "close", "aria-label": "close" }, "✕");
        close.addEventListener("click", () => setNote(program, null));
        element.append(close);
    }
    return element;
}
