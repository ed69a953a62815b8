// What is known of the daemon and its programs. Fed by `/events`; the rest of the page listens.
// @ts-check
import { Series } from "./plot.js";
import { sync } from "./clock.js";
import { FINE, rank } from "./words.js";

/** @import { Snapshot, StateName, Supervisor, Told, ToldNode, Usage } from "./types" */

/**
 * One program of one node. The object stays the same while the program is there.
 *
 * @typedef {object} Program
 * @property {string} key
 * @property {string} node
 * @property {string} id
 * @property {Told} told
 * @property {number} rank
 * @property {number} cpu percent of one processor; -1 if not known
 * @property {number} memory bytes
 * @property {Series} series
 */

/**
 * @typedef {object} Node
 * @property {string} name
 * @property {boolean} own whether it is the daemon that serves this page
 * @property {boolean} online
 * @property {string} error
 * @property {Partial<Usage>} usage
 * @property {Series} series
 * @property {Map<string, Program>} programs
 */

/**
 * What listeners are told, each with what they get:
 * a program that is new or changed, with its old state or null; one that is gone; usage of a
 * node's programs was sampled; a node; the daemon itself; all of it at once.
 *
 * @typedef {object} Listeners
 * @property {(program: Program, from: StateName | null) => void} program
 * @property {(program: Program) => void} removed
 * @property {(node: Node) => void} usage
 * @property {(node: Node) => void} node
 * @property {() => void} supervisor
 * @property {() => void} reset
 */

/** @type {{ [K in keyof Listeners]: Set<Listeners[K]> }} */
const listeners = {
    program: new Set(),
    removed: new Set(),
    usage: new Set(),
    node: new Set(),
    supervisor: new Set(),
    reset: new Set(),
};

/** @type {Map<string, Node>} */
export const nodes = new Map();

/** Programs in each state, over all nodes. @type {Map<StateName, number>} */
export const counts = new Map();

/** The daemon; null until it was heard. @type {Supervisor | null} */
export let supervisor = null;

/** Whether a reload is under way. */
export let reloading = false;

/**
 * @template {keyof Listeners} K
 * @param {K} what
 * @param {Listeners[K]} listener
 */
export function on(what, listener) {
    listeners[what].add(listener);
}

/**
 * The program of a node, the daemon's own where none is named.
 *
 * @param {string} id
 * @param {string} [node]
 * @returns {Program | undefined}
 */
export function find(id, node) {
    return nodes.get(node || (supervisor?.node ?? ""))?.programs.get(id);
}

/** @returns {Program[]} */
export function all() {
    return [...nodes.values()].flatMap((node) => [...node.programs.values()]);
}

/**
 * Whether who looks may do this.
 *
 * @param {"operate" | "administer"} what
 * @returns {boolean}
 */
export function may(what) {
    const role = supervisor?.role ?? "viewer";
    return role === "admin" || (what === "operate" && role === "operator");
}

/**
 * Takes over a snapshot: what it does not hold is gone.
 *
 * @param {Snapshot} snapshot
 */
export function takeSnapshot(snapshot) {
    sync(snapshot.time);
    supervisor = snapshot.supervisor;
    reloading = false;
    const own = nodeOf(supervisor.node);
    own.own = true;
    for (const node of nodes.values()) {
        if (node !== own && node.own) forget(node);
    }
    own.series.clear();
    for (const [time, cpu, memory] of snapshot.node_history ?? []) {
        own.series.push(time, cpu, memory);
        if (!own.usage.mem_total) own.usage = { cpu_percent: cpu, mem_used_percent: memory };
    }
    takePrograms(own, snapshot.processes);
    for (const program of own.programs.values()) program.series.clear();
    for (const [id, samples] of Object.entries(snapshot.history ?? {})) {
        const program = own.programs.get(id);
        if (!program) continue;
        for (const [time, cpu, memory] of samples) program.series.push(time, cpu, memory);
        const last = samples[samples.length - 1];
        if (last && program.told.pid) [, program.cpu, program.memory] = last;
    }
    emit("supervisor");
    emit("usage", own);
    emit("node", own);
    emit("reset");
}

/**
 * Takes over what is told of one of the other nodes.
 *
 * @param {ToldNode} told
 */
export function takeNode(told) {
    if (told.name === supervisor?.node) return;
    const node = nodeOf(told.name);
    node.online = told.status === "ONLINE";
    node.error = told.error ?? "";
    if (told.cpu_percent !== undefined) node.usage = told;
    // What was known of a node that does not answer is shown as that.
    if (told.programs && (node.online || told.programs.length > 0)) {
        takePrograms(node, told.programs);
    }
    emit("node", node);
    emit("reset");
}

/**
 * @param {Node} node
 * @param {Told[]} list
 */
function takePrograms(node, list) {
    const there = new Set(list.map((told) => told.id));
    for (const program of [...node.programs.values()]) {
        if (!there.has(program.id)) remove(node, program.id);
    }
    for (const told of list) put(node, told);
}

/**
 * @param {Told} told
 */
export function takeProgram(told) {
    const own = nodes.get(supervisor?.node ?? "");
    if (own) put(own, told);
}

/**
 * @param {string} id
 */
export function takeRemoval(id) {
    const own = nodes.get(supervisor?.node ?? "");
    if (own) remove(own, id);
}

/**
 * @param {string} statename
 */
export function takeSupervisorState(statename) {
    if (supervisor) supervisor = { ...supervisor, statename };
    emit("supervisor");
}

/**
 * @param {boolean} active
 */
export function takeReload(active) {
    reloading = active;
    emit("supervisor");
}

/**
 * Takes over a sample of what is used.
 *
 * @param {{ time: number, node?: Partial<Usage>, usage?: Record<string, [number, number]> }} tick
 */
export function takeTick(tick) {
    sync(tick.time);
    const own = nodes.get(supervisor?.node ?? "");
    if (!own) return;
    if (tick.node) {
        own.usage = tick.node;
        own.series.push(tick.time, tick.node.cpu_percent ?? 0, tick.node.mem_used_percent ?? 0);
    }
    const usage = tick.usage ?? {};
    for (const program of own.programs.values()) {
        const sample = usage[program.id];
        if (sample && program.told.pid) {
            [program.cpu, program.memory] = sample;
            program.series.push(tick.time, sample[0], sample[1]);
        } else if (!program.told.pid) {
            program.cpu = -1;
        }
    }
    emit("usage", own);
}

/**
 * @param {string} name
 * @returns {Node}
 */
function nodeOf(name) {
    let node = nodes.get(name);
    if (!node) {
        const series = new Series();
        node = { name, own: false, online: true, error: "", usage: {}, series, programs: new Map() };
        nodes.set(name, node);
    }
    return node;
}

/**
 * @param {Node} node
 */
function forget(node) {
    for (const id of [...node.programs.keys()]) remove(node, id);
    nodes.delete(node.name);
}

/**
 * @param {Node} node
 * @param {Told} told
 */
function put(node, told) {
    let program = node.programs.get(told.id);
    const from = program ? program.told.statename : null;
    if (!program) {
        const key = `${node.name}\n${told.id}`;
        const series = new Series();
        program = {
            key, node: node.name, id: told.id, told, rank: FINE, cpu: -1, memory: 0, series,
        };
        node.programs.set(told.id, program);
    }
    if (from !== told.statename) {
        if (from) count(from, -1);
        count(told.statename, 1);
    }
    program.told = told;
    program.rank = rank(told);
    if (!told.pid) program.cpu = -1;
    emit("program", program, from);
}

/**
 * @param {Node} node
 * @param {string} id
 */
function remove(node, id) {
    const program = node.programs.get(id);
    if (!program) return;
    node.programs.delete(id);
    count(program.told.statename, -1);
    emit("removed", program);
}

/**
 * @param {StateName} state
 * @param {number} more
 */
function count(state, more) {
    counts.set(state, (counts.get(state) ?? 0) + more);
}

/**
 * @template {keyof Listeners} K
 * @param {K} what
 * @param {Parameters<Listeners[K]>} told
 */
function emit(what, ...told) {
    for (const listener of listeners[what]) {
        /** @type {(...told: any[]) => void} */ (listener)(...told);
    }
}
