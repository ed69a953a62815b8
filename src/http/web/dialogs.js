// Questions and messages in front of the page.
// @ts-check
import { h, say } from "./dom.js";

/**
 * Opens a dialog. It is gone when it is closed; `closed` is told how.
 *
 * @param {string} title
 * @param {(Node | string)[]} content
 * @param {HTMLElement[]} buttons
 * @param {string} [kind]
 * @returns {HTMLDialogElement}
 */
export function open(title, content, buttons, kind = "") {
    const heading = h("h2", { id: "dialog-title" }, title);
    const form = h(
        "form",
        { method: "dialog" },
        heading,
        h("div", { class: "content" }, ...content),
        h("div", { class: "buttons" }, ...buttons),
    );
    const dialog = h("dialog", { class: kind, "aria-labelledby": "dialog-title" }, form);
    dialog.addEventListener("close", () => dialog.remove());
    // A click beside it closes it, as Escape does.
    dialog.addEventListener("pointerdown", (event) => {
        if (event.target === dialog) dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

/**
 * Asks once. With `type`, the person has to type that first.
 *
 * @param {{ title: string, text: string, action: string, danger?: boolean, type?: string }} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action, danger = false, type = "" }) {
    const yes = h("button", { value: "yes", class: danger ? "danger" : "primary" }, action);
    const no = h("button", { value: "no", autofocus: !type }, "Cancel");
    /** @type {(Node | string)[]} */
    const content = [h("p", {}, text)];
    if (type) {
        yes.disabled = true;
        const input = h("input", {
            id: "typed",
            autocomplete: "off",
            autocapitalize: "off",
            spellcheck: "false",
            autofocus: true,
        });
        input.addEventListener("input", () => {
            yes.disabled = input.value.trim() !== type;
        });
        const label = h("label", { for: "typed" }, "To confirm, type ", h("strong", {}, type));
        content.push(h("div", { class: "typed" }, label, input));
    }
    const dialog = open(title, content, [no, yes]);
    // Return in the text field means the last button and not the first.
    dialog.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.target instanceof HTMLButtonElement) return;
        event.preventDefault();
        if (!yes.disabled) dialog.close("yes");
    });
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    });
}

/**
 * Says something that has to be read.
 *
 * @param {string} title
 * @param {...(Node | string)} content
 */
export function message(title, ...content) {
    open(title, content, [h("button", { value: "", class: "primary", autofocus: true }, "Close")]);
}

const KEYS = [
    ["j, k", "next and previous program"],
    ["Enter", "what is known of it"],
    ["Space", "select it"],
    ["s, x, r", "start, stop, restart it"],
    ["l", "its log"],
    ["/", "search"],
    ["?", "this help"],
    ["Esc", "back: close what is open, clear the search or the selection"],
    ["n, N", "in a log: next and previous match"],
    ["G, g", "in a log: its end, its beginning"],
];

/** @type {[string, string][]} */
const SHAPES = [
    ["RUNNING", "running"],
    ["STARTING", "starting: up, but not yet for as long as startsecs says"],
    ["STOPPING", "stopping: asked to end, and not yet gone"],
    ["BACKOFF", "backoff: it failed, and is tried again in a moment"],
    ["FATAL", "fatal: it failed too often, or cannot be started; nobody tries any more"],
    ["EXITED", "exited by itself; with a failure, it is among what needs attention"],
    ["STOPPED", "stopped by a person, or not started yet"],
    ["UNKNOWN", "unknown: the system does not let the daemon have its way with it"],
];

/** Says which keys there are and what the shapes mean. */
export function help() {
    if (document.querySelector("dialog.help")) return;
    const keys = h("dl", { class: "keys" });
    for (const [key = "", what = ""] of KEYS) {
        const names = key.split(", ").map((name) => h("kbd", {}, name));
        keys.append(h("dt", {}, ...names), h("dd", {}, what));
    }
    const shapes = h("dl", { class: "shapes" });
    for (const [state, what] of SHAPES) {
        const dot = h("span", { class: "dot", data: { state } });
        shapes.append(h("dt", {}, dot), h("dd", {}, what));
    }
    const content = [h("h3", {}, "Keyboard"), keys, h("h3", {}, "States"), shapes];
    const close = h("button", { value: "", class: "primary", autofocus: true }, "Close");
    open("Help", content, [close], "help");
}

/**
 * A button that does something before its dialog closes, and says so meanwhile.
 *
 * @param {string} label
 * @param {string} busy
 * @param {string} kind
 * @param {() => Promise<void>} work
 * @returns {HTMLButtonElement}
 */
export function working(label, busy, kind, work) {
    const button = h("button", { type: "button", class: kind }, label);
    button.addEventListener("click", async () => {
        button.disabled = true;
        say(button, busy);
        await work();
        say(button, label);
        button.disabled = false;
    });
    return button;
}
