// The programs of all nodes: a section for each node, in it what is broken, then the groups.
// @ts-check
import { onNote, setNote } from "./actions.js";
import { onSecond } from "./clock.js";
import { byId, show } from "./dom.js";
import { ATTENTION, collator, groupName, Section } from "./group.js";
import { Row } from "./row.js";
import * as store from "./store.js";
import { FINE } from "./words.js";

/** @import { Group } from "./group.js" */
/** @import { Program } from "./store.js" */
/** @import { StateName } from "./types" */

/** So many rows are made before the first paint; the others follow, some at a time. */
const ROWS_AT_FIRST = 60;
const ROWS_AT_A_TIME = 150;

/** How often what has changed is settled while nobody looks, in milliseconds. */
const HIDDEN_MILLISECONDS = 500;

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

const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
        const key = /** @type {HTMLElement} */ (entry.target).dataset.key ?? "";
        rows.get(key)?.see(entry.isIntersecting);
    }
});

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
    const order = broken ? `${program.rank} ${program.id}` : program.id;
    group.unsorted ||= old !== group || row.order !== order;
    row.order = order;
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
    // All that comes until the next frame is settled at once. Where nobody looks there is none.
    if (document.hidden) setTimeout(settle, HIDDEN_MILLISECONDS);
    else requestAnimationFrame(settle);
}

/** Makes rows that are not there yet, and brings into order what has changed. */
function settle() {
    if (!scheduled) return;
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
    markOnce("programs-first");
    afterPaint(() => {
        waiting = false;
        scheduled = true;
        settle();
    });
}

function finished() {
    if (store.supervisor === null) return;
    markOnce("programs-first");
    markOnce("programs-all");
}

/** @type {Set<string>} */
const marked = new Set();

/**
 * Notes when something is on the screen for the first time.
 *
 * @param {string} name
 */
function markOnce(name) {
    painted = true;
    if (marked.has(name)) return;
    marked.add(name);
    afterPaint(() => performance.mark(name));
}

/**
 * @param {() => void} callback
 */
function afterPaint(callback) {
    requestAnimationFrame(() => setTimeout(callback));
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
        setNote(program, null);
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
    document.addEventListener("visibilitychange", settle);
    onNote((program) => rows.get(program.key)?.tellNote());
    onSecond(() => {
        for (const row of rows.values()) {
            if (row.seen) row.second();
        }
    });
}
