// The top of the page: whose daemon this is, whether it is heard, what there is in each state.
// @ts-check
import { duration, now, onSecond } from "./clock.js";
import { attribute, byId, h, say, show } from "./dom.js";
import { onLife } from "./events.js";
import { onShown, search, states, toggleState } from "./list.js";
import { draw, plot } from "./plot.js";
import * as store from "./store.js";
import { bytes, count, FINE, percent, STATES } from "./words.js";

/** @import { StateName } from "./types" */
/** @import { Life } from "./events.js" */

const chips = byId("counts");
const verdict = byId("verdict");
const live = byId("live");
const field = /** @type {HTMLInputElement} */ (byId("search"));
const empty = byId("empty");

/** A processor's plot goes to this many percent at least; that of memory always to all of it. */
const CPU_LEAST = 20;
const MEMORY_LEAST = 100;

/** @type {Map<StateName, { chip: HTMLButtonElement, number: HTMLElement }>} */
const made = new Map();

const cpuPlot = plot("cpu");
const memoryPlot = plot("memory");

/** @type {Life} */
let life = "connecting";

/** What the daemon's version was when the page was loaded. */
let version = "";

/** Begins to show it. */
export function begin() {
    for (const state of STATES) {
        const number = h("b", {}, "0");
        const chip = h(
            "button",
            { type: "button", class: "chip", "aria-pressed": "false", hidden: true, data: { state } },
            h("span", { class: "dot", "aria-hidden": "true", data: { state } }),
            number,
            ` ${state.toLowerCase()}`,
        );
        chip.addEventListener("click", () => toggleState(state));
        chips.append(chip);
        made.set(state, { chip, number });
    }
    byId("node-cpu").prepend(cpuPlot);
    byId("node-memory").prepend(memoryPlot);
    field.addEventListener("input", () => search(field.value));
    byId("clear-filter").addEventListener("click", clear);
    store.on("supervisor", who);
    store.on("usage", (node) => {
        if (node.own) usage();
    });
    const measured = byId("top");
    new ResizeObserver(() => {
        document.documentElement.style.setProperty("--top", `${measured.offsetHeight}px`);
    }).observe(measured);
    onShown(sum);
    onLife(tellLife);
    onSecond(who);
}

/** Takes search and filters back; says whether there were any. @returns {boolean} */
export function clear() {
    const had = field.value !== "" || states.size > 0;
    field.value = "";
    search("");
    toggleState(null);
    return had;
}

function who() {
    const { supervisor } = store;
    if (!supervisor) return;
    document.body.dataset.role = supervisor.role;
    say(byId("host"), supervisor.node);
    const name = supervisor.identifier === "supervisor" ? "" : `${supervisor.identifier} · `;
    const up = supervisor.started ? ` · up ${duration(now() - supervisor.started)}` : "";
    say(byId("identity"), `${name}supervisord ${supervisor.version}${up}`);
    const state = supervisor.statename === "RUNNING" ? "" : supervisor.statename.toLowerCase();
    const words = { shutdown: "shutting down", restarting: "restarting", fatal: "fatal" };
    const shown = store.reloading ? "reloading" : (/** @type {any} */ (words)[state] ?? state);
    say(byId("daemon-state"), shown);
    show(byId("daemon-state"), shown !== "");
    version ||= supervisor.version;
    show(byId("outdated"), version !== supervisor.version);
}

function usage() {
    const node = store.nodes.get(store.supervisor?.node ?? "");
    if (!node) return;
    const { cpu_percent: cpu, mem_used: used = 0, mem_total: total, mem_used_percent: part } = node.usage;
    if (cpu !== undefined) say(byId("cpu-value"), percent(cpu));
    if (total) say(byId("memory-value"), `${bytes(used)} of ${bytes(total)}`);
    else if (part !== undefined) say(byId("memory-value"), percent(part));
    draw(cpuPlot, node.series, 1, now(), CPU_LEAST);
    draw(memoryPlot, node.series, 2, now(), MEMORY_LEAST);
}

/** Counts, the verdict, and what is said where nothing is shown. */
function sum() {
    for (const [state, { chip, number }] of made) {
        const found = store.counts.get(state) ?? 0;
        say(number, count(found));
        show(chip, found > 0 || states.has(state));
        attribute(chip, "aria-pressed", String(states.has(state)));
    }
    if (!store.supervisor) return;
    const programs = store.all();
    const broken = programs.filter(({ rank }) => rank < FINE).length;
    const offline = [...store.nodes.values()].filter(({ online }) => !online).length;
    const words = [];
    if (broken > 0) words.push(`${count(broken)} ${broken === 1 ? "needs" : "need"} attention`);
    if (offline > 0) words.push(`${count(offline)} ${offline === 1 ? "node" : "nodes"} offline`);
    const well = words.length === 0;
    say(verdict, programs.length === 0 && well ? "" : well ? "All is well" : words.join(", "));
    attribute(verdict, "data-verdict", well ? "well" : "broken");
    title(broken + offline);
    none(programs.length);
}

/**
 * @param {number} wrong
 */
function title(wrong) {
    const host = store.supervisor?.node ?? "";
    const mark = life === "live" ? (wrong > 0 ? `(${wrong}) ` : "") : "(not connected) ";
    const words = `${mark}${host} – supervisor`;
    if (document.title !== words) document.title = words;
}

/**
 * What is said in place of an empty list.
 *
 * @param {number} programs
 */
function none(programs) {
    const filtered = field.value.trim() !== "" || states.size > 0;
    const shown = document.querySelector("#programs li.row:not([hidden])") !== null;
    show(byId("loading"), false);
    show(empty, !shown);
    show(byId("clear-filter"), filtered);
    if (shown) return;
    const [heading, text] = filtered
        ? ["No program matches", `None of ${count(programs)} is what you look for.`]
        : [
              "No programs yet",
              `Add a [program:name] section to ${store.supervisor?.config_file || "the configuration"}, then choose Reload from the menu.`,
          ];
    say(byId("empty-title"), heading);
    say(byId("empty-text"), text);
}

/**
 * @param {Life} next
 * @param {number} silent
 */
function tellLife(next, silent) {
    life = next;
    attribute(live, "data-life", life);
    document.body.classList.toggle("stale", life === "lost" || life === "paused");
    const known = store.supervisor !== null;
    const words = {
        connecting: "connecting",
        live: "live",
        lost: known ? `reconnecting, last seen ${duration(silent)} ago` : "cannot reach the daemon; trying again",
        paused: "paused while you were away",
    };
    say(byId("live-text"), words[life]);
    if (!known && life === "lost") {
        say(byId("loading"), "The daemon does not answer. Trying again…");
    }
    if (known) sum();
}
