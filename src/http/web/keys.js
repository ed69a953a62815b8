// The keyboard.
// @ts-check
import { act } from "./actions.js";
import { help } from "./dialogs.js";
import { byId } from "./dom.js";
import { shownRows } from "./list.js";
import { logKey } from "./log.js";
import { current } from "./panel.js";
import { openLog } from "./programmenu.js";
import { back, go, route } from "./route.js";
import { rowOf } from "./row.js";
import * as selection from "./select.js";
import * as store from "./store.js";
import { clear } from "./top.js";

/** @import { Row } from "./row.js" */
/** @import { Program } from "./store.js" */

/** The row that had the focus last, should it have lost it. @type {Row | undefined} */
let last;

/** Begins to listen. */
export function begin() {
    addEventListener("keydown", press);
    addEventListener("focusin", (event) => {
        last = rowOf(event.target) ?? last;
    });
}

/**
 * @param {KeyboardEvent} event
 */
function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open], .menu:popover-open")) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Escape") {
        escape(target);
        return;
    }
    if (target.matches("input:not([type=checkbox]), select, textarea")) return;
    const inLog = !byId("log").hidden;
    const done = event.key === "?" ? (help(), true) : inLog ? logKey(event.key) : listKey(event, target);
    if (done) event.preventDefault();
}

/**
 * @param {HTMLElement} target
 */
function escape(target) {
    if (target.matches("#search")) {
        clear();
        target.blur();
    } else if (target.matches("#log-search") && /** @type {HTMLInputElement} */ (target).value) {
        logKey("Escape");
    } else if (route().view !== "list") {
        back();
    } else if (!selection.clear()) {
        clear();
    }
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} target
 * @returns {boolean} whether the key meant something
 */
function listKey(event, target) {
    const row = rowOf(target) ?? (last?.element.isConnected ? last : undefined);
    const program = current() ?? row?.program;
    switch (event.key) {
        case "/":
            byId("search").focus();
            return true;
        case "j":
        case "ArrowDown":
            return step(row, 1, event.key === "j" || rowOf(target) !== undefined);
        case "k":
        case "ArrowUp":
            return step(row, -1, event.key === "k" || rowOf(target) !== undefined);
        case "s":
            return on(program, () => void (program && act(program, "start")));
        case "x":
            return on(program, () => void (program && act(program, "stop")));
        case "r":
            return on(program, () => void (program && act(program, "restart")));
        case "l":
            return on(program, () => program && openLog(program, "stdout"));
        case "Enter":
            if (!row || target !== row.element) return false;
            go("p", row.program.id, store.nodes.get(row.program.node)?.own ? "" : row.program.node);
            return true;
        case " ":
            if (!row || target !== row.element) return false;
            selection.toggle(row.program.key);
            return true;
        default:
            return false;
    }
}

/**
 * @param {Program | undefined} program
 * @param {() => void} work
 * @returns {boolean}
 */
function on(program, work) {
    if (program) work();
    return program !== undefined;
}

/**
 * Moves the focus to another row.
 *
 * @param {Row | undefined} from
 * @param {number} by
 * @param {boolean} wanted
 * @returns {boolean}
 */
function step(from, by, wanted) {
    if (!wanted) return false;
    const shown = shownRows();
    const at = from ? shown.indexOf(from) : -1;
    const next = shown[at === -1 ? 0 : Math.max(0, Math.min(shown.length - 1, at + by))];
    next?.element.focus();
    next?.element.scrollIntoView({ block: "nearest" });
    return true;
}
