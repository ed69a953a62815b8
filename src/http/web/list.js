// The programs of all nodes: a section for each node, in it what is broken, then the groups.
// @ts-check
import { onNote } from "./actions.js";
import { onSecond } from "./clock.js";
import { byId, h, recall, remember, say, show } from "./dom.js";
import { NodeHead } from "./node.js";
import { Row } from "./row.js";
import * as store from "./store.js";
import { count, FINE, STATES } from "./words.js";

/** @import { Node, Program } from "./store.js" */
/** @import { StateName } from "./types" */

/** So many rows are made before the first paint; the others follow, some at a time. */
const ROWS_AT_FIRST = 60;
const ROWS_AT_A_TIME = 150;

const ATTENTION = "\0attention";
const SINGLE = "\0single";

const collator = new Intl.Collator(undefined, { numeric: true });
const list = byId("programs");

/** Each program's row, by its key. @type {Map<string, Row>} */
export const rows = new Map();

/** @type {Map<string, Section>} */
const sections = new Map();

/** Programs whose rows are not made yet. @type {Program[]} */
let fresh = [];
let scheduled = false;
let painted = false;

/** Which states are shown; all, if none is chosen. @type {Set<StateName>} */
export const states = new Set();
let wanted = "";

/** @type {Set<() => void>} */
const watchers = new Set();

const closed = new Set(JSON.parse(recall("closed") ?? "[]"));

const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
        const key = /** @type {HTMLElement} */ (entry.target).dataset.key ?? "";
        rows.get(key)?.see(entry.isIntersecting);
    }
});

/** Rows of one kind, below a heading. */
class Group {
    /**
     * @param {Section} section
     * @param {string} name
     */
    constructor(section, name) {
        this.section = section;
        this.name = name;
        this.title = name === ATTENTION ? "Needs attention" : name === SINGLE ? "Programs" : name;
        /** @type {Row[]} */
        this.rows = [];
        this.dirty = false;
        this.id = `${section.node.name}/${name}`;
        this.toggle = h("button", { type: "button", class: "fold", "aria-expanded": "true" });
        this.toggle.append(h("bdi", {}, this.title));
        this.toggle.addEventListener("click", () => this.fold(!closed.has(this.id)));
        this.summary = h("span", { class: "summary" });
        this.more = h(
            "button",
            {
                type: "button",
                class: "more",
                data: { group: name },
                "aria-haspopup": "menu",
                "aria-label": `more for ${this.title}`,
            },
            "⋯",
        );
        this.more.addEventListener("click", () => {
            for (const watcher of groupMenus) watcher(this.more, this);
        });
        const kind = name === ATTENTION ? "attention" : name === SINGLE ? "single" : "";
        this.list = h("ul", { class: "rows" });
        const heading = h("h3", {}, this.toggle);
        this.element = h(
            "section",
            { class: `group ${kind}`, "aria-label": this.title },
            h("header", {}, heading, this.summary, this.more),
            this.list,
        );
        if (closed.has(this.id)) this.fold(true);
    }

    /**
     * @param {boolean} fold
     */
    fold(fold) {
        if (fold) closed.add(this.id);
        else closed.delete(this.id);
        remember("closed", JSON.stringify([...closed]));
        this.element.classList.toggle("closed", fold);
        this.toggle.setAttribute("aria-expanded", String(!fold));
    }

    /** Every program that belongs to it, those which need attention too. @returns {Program[]} */
    programs() {
        if (this.name === ATTENTION) return this.rows.map((row) => row.program);
        const programs = [...this.section.node.programs.values()];
        return programs.filter((program) => groupName(program) === this.name);
    }

    /** Brings the rows into order, and says what there is. */
    settle() {
        this.dirty = false;
        this.rows.sort((a, b) => collator.compare(a.order, b.order));
        let at = this.list.firstElementChild;
        for (const row of this.rows) {
            if (row.element === at) at = at.nextElementSibling;
            else this.list.insertBefore(row.element, at);
        }
        this.sum();
    }

    sum() {
        const shown = this.rows.some((row) => !row.element.hidden);
        show(this.element, shown);
        /** @type {Map<StateName, number>} */
        const found = new Map();
        for (const { program } of this.rows) {
            const state = program.told.statename;
            found.set(state, (found.get(state) ?? 0) + 1);
        }
        const words = STATES.filter((state) => found.has(state)).map(
            (state) => `${count(found.get(state) ?? 0)} ${state.toLowerCase()}`,
        );
        say(this.summary, this.name === ATTENTION ? String(this.rows.length) : words.join(" · "));
        show(this.more, store.may("operate") && this.section.node.online);
    }
}

/** One node. */
class Section {
    /**
     * @param {Node} node
     */
    constructor(node) {
        this.node = node;
        /** @type {Map<string, Group>} */
        this.groups = new Map();
        this.head = new NodeHead(node);
        this.body = h("div", { class: "groups" });
        this.element = h("section", { class: "node", data: { node: node.name } });
        this.element.append(this.head.element, this.body);
        this.element.setAttribute("aria-label", `node ${node.name}`);
    }

    /**
     * @param {string} name
     * @returns {Group}
     */
    group(name) {
        let group = this.groups.get(name);
        if (!group) {
            group = new Group(this, name);
            this.groups.set(name, group);
            // What needs attention is first, then what is in no group, then the groups by name.
            const sorted = [...this.groups.values()].sort(
                (a, b) => weight(a.name) - weight(b.name) || collator.compare(a.name, b.name),
            );
            const next = sorted[sorted.indexOf(group) + 1];
            this.body.insertBefore(group.element, next?.element ?? null);
        }
        return group;
    }
}

/**
 * @param {string} name
 * @returns {number}
 */
function weight(name) {
    return name === ATTENTION ? 0 : name === SINGLE ? 1 : 2;
}

/** @type {Set<(at: HTMLElement, group: Group) => void>} */
const groupMenus = new Set();

/**
 * Calls this when a group's menu is asked for.
 *
 * @param {(at: HTMLElement, group: { title: string, programs: () => Program[] }) => void} watcher
 */
export function onGroupMenu(watcher) {
    groupMenus.add(watcher);
}

/**
 * Calls this when other rows are there or shown than before.
 *
 * @param {() => void} watcher
 */
export function onShown(watcher) {
    watchers.add(watcher);
}

/**
 * The rows that are shown, from the top to the bottom.
 *
 * @returns {Row[]}
 */
export function shownRows() {
    /** @type {Row[]} */
    const shown = [];
    for (const element of list.querySelectorAll("li.row")) {
        const row = rows.get(/** @type {HTMLElement} */ (element).dataset.key ?? "");
        if (row && isShown(row)) shown.push(row);
    }
    return shown;
}

/**
 * @param {Row} row
 * @returns {boolean}
 */
export function isShown(row) {
    if (row.element.hidden) return false;
    return isFiltered() || !row.element.closest(".group.closed");
}

/** @returns {boolean} */
export function isFiltered() {
    return wanted !== "" || states.size > 0;
}

/**
 * Shows only programs with this in their name, command or state.
 *
 * @param {string} text
 */
export function search(text) {
    wanted = text.trim().toLowerCase();
    filter();
}

/**
 * Shows only programs in the chosen states; a second choice takes the first back.
 *
 * @param {StateName | null} state
 */
export function toggleState(state) {
    if (!state) states.clear();
    else if (!states.delete(state)) states.add(state);
    filter();
}

function filter() {
    for (const row of rows.values()) match(row);
    list.classList.toggle("filtering", isFiltered());
    for (const section of sections.values()) {
        for (const group of section.groups.values()) group.sum();
    }
    changed();
}

/**
 * @param {Row} row
 */
function match(row) {
    const { told, node } = row.program;
    const text = `${told.id}\n${told.command ?? ""}\n${told.reason ?? ""}\n${told.pid || ""}\n${node}`;
    const fits = states.size === 0 || states.has(told.statename);
    show(row.element, fits && (wanted === "" || text.toLowerCase().includes(wanted)));
}

/**
 * @param {Program} program
 * @returns {string}
 */
function groupName({ told }) {
    return told.id === told.name ? SINGLE : told.group;
}

/**
 * Puts a row where it belongs now.
 *
 * @param {Row} row
 */
function place(row) {
    const { program } = row;
    const section = sections.get(program.node);
    if (!section) return;
    const broken = program.rank < FINE;
    const group = section.group(broken ? ATTENTION : groupName(program));
    const old = groups.get(row);
    row.order = broken ? `${program.rank} ${program.id}` : program.id;
    if (old !== group) {
        if (old) leave(row, old);
        group.rows.push(row);
        groups.set(row, group);
    }
    mark(group);
}

/** Where each row is. @type {Map<Row, Group>} */
const groups = new Map();

/** @type {Set<Group>} */
const dirty = new Set();

/**
 * @param {Row} row
 * @param {Group} group
 */
function leave(row, group) {
    group.rows.splice(group.rows.indexOf(row), 1);
    row.element.remove();
    mark(group);
}

/**
 * @param {Group} group
 */
function mark(group) {
    dirty.add(group);
    schedule();
}

function schedule() {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(settle);
}

/** Makes rows that are not there yet, and brings into order what has changed. */
function settle() {
    scheduled = false;
    if (fresh.length > 0) {
        // The worst first: they are what is seen.
        fresh.sort((a, b) => a.rank - b.rank || collator.compare(groupOrder(a), groupOrder(b)));
        make(painted ? ROWS_AT_A_TIME : ROWS_AT_FIRST);
        scheduled = false;
    }
    for (const group of dirty) group.settle();
    dirty.clear();
    changed();
    if (fresh.length > 0) later();
    else finished();
}

/**
 * @param {Program} program
 * @returns {string}
 */
function groupOrder(program) {
    return `${groupName(program)}\n${program.id}`;
}

/**
 * @param {number} most
 */
function make(most) {
    for (const program of fresh.splice(0, most)) {
        if (rows.has(program.key)) continue;
        const row = new Row(program);
        rows.set(program.key, row);
        match(row);
        observer.observe(row.element);
        place(row);
    }
}

let waiting = false;

/** After the next paint, the next rows. */
function later() {
    if (waiting) return;
    waiting = true;
    if (!painted) {
        painted = true;
        performance.mark("programs-first");
    }
    requestAnimationFrame(() => {
        setTimeout(() => {
            waiting = false;
            settle();
        });
    });
}

function finished() {
    if (store.supervisor === null) return;
    if (!painted) {
        painted = true;
        performance.mark("programs-first");
    }
    if (performance.getEntriesByName("programs-all").length === 0) performance.mark("programs-all");
}

function changed() {
    for (const watcher of watchers) watcher();
}

/** Shows a section for each node, and heads them if there are several. */
function arrange() {
    for (const [name, section] of sections) {
        if (store.nodes.get(name) === section.node) continue;
        section.element.remove();
        sections.delete(name);
    }
    const nodes = [...store.nodes.values()].sort(
        (a, b) => Number(b.own) - Number(a.own) || collator.compare(a.name, b.name),
    );
    for (const node of nodes) {
        if (sections.has(node.name)) continue;
        const section = new Section(node);
        sections.set(node.name, section);
        list.append(section.element);
    }
    nodes.forEach((node, index) => {
        const section = sections.get(node.name);
        if (!section) return;
        if (list.children[index] !== section.element) {
            list.insertBefore(section.element, list.children[index] ?? null);
        }
        section.element.classList.toggle("offline", !node.online);
        section.head.update(nodes.length > 1);
        for (const program of node.programs.values()) rows.get(program.key)?.allow();
        for (const group of section.groups.values()) group.sum();
    });
}

/** Begins to show the store. */
export function begin() {
    store.on("program", (program) => {
        if (!sections.has(program.node)) arrange();
        const row = rows.get(program.key);
        if (!row) {
            fresh.push(program);
            schedule();
            return;
        }
        row.update();
        match(row);
        place(row);
    });
    store.on("removed", (program) => {
        fresh = fresh.filter((other) => other !== program);
        const row = rows.get(program.key);
        if (!row) return;
        rows.delete(program.key);
        observer.unobserve(row.element);
        const group = groups.get(row);
        groups.delete(row);
        if (group) leave(row, group);
    });
    store.on("usage", (node) => {
        sections.get(node.name)?.head.update(store.nodes.size > 1);
        for (const program of node.programs.values()) {
            const row = rows.get(program.key);
            if (row?.seen) row.usage();
        }
    });
    store.on("node", () => arrange());
    store.on("reset", () => {
        arrange();
        schedule();
    });
    onNote((program) => rows.get(program.key)?.tellNote());
    onSecond(() => {
        for (const row of rows.values()) {
            if (row.seen) row.second();
        }
    });
}
