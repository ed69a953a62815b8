// Groups of programs, and the section of a node, which holds them.
// @ts-check
import { h, recall, remember, say, show } from "./dom.js";
import { NodeHead } from "./node.js";
import * as store from "./store.js";
import { count, STATES } from "./words.js";

/** @import { Node, Program } from "./store.js" */
/** @import { Row } from "./row.js" */
/** @import { StateName } from "./types" */

/** What needs attention, and what is in no group of several: no group can be called so. */
export const ATTENTION = "\0attention";
const SINGLE = "\0single";

/** The order of names: `a2` before `a10`. */
export const collator = new Intl.Collator(undefined, { numeric: true });

/** The groups that are folded. @type {Set<string>} */
const closed = new Set(foldedBefore());

/** @returns {string[]} */
function foldedBefore() {
    try {
        return JSON.parse(recall("closed") ?? "[]");
    } catch {
        return [];
    }
}

/**
 * The group that a program is shown in while it needs no attention.
 *
 * @param {Program} program
 * @returns {string}
 */
export function groupName({ told }) {
    return told.id === told.name ? SINGLE : told.group;
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

/** Rows of one kind, below a heading. */
export class Group {
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
        /** Whether rows came, went, or have another place now. */
        this.unsorted = false;
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
        if (this.unsorted) {
            this.unsorted = false;
            this.rows.sort((a, b) => collator.compare(a.order, b.order));
            let at = this.list.firstElementChild;
            for (const row of this.rows) {
                if (row.element === at) at = at.nextElementSibling;
                else this.list.insertBefore(row.element, at);
            }
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
export class Section {
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
