// Menus that open at a button; on a phone, from below.
// @ts-check
import { h } from "./dom.js";

/**
 * @typedef {object} Item
 * @property {string} label
 * @property {string} [hint]
 * @property {boolean} [danger]
 * @property {boolean} [checked]
 * @property {string} [act] a name by which tests and styles find it
 * @property {() => void} run
 */

/** @type {HTMLElement | null} */
let shown = null;

/** Space between a menu and what it opens at, and the window's edge, in pixels. */
const GAP = 4;

/**
 * Opens a menu of items at a button; a null is a line between two.
 *
 * @param {HTMLElement} at
 * @param {string} title
 * @param {(Item | null)[]} items
 */
export function openMenu(at, title, items) {
    const again = shown?.dataset.title === title && shown.isConnected;
    shown?.hidePopover();
    if (again) return;
    const menu = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": title });
    menu.dataset.title = title;
    menu.append(h("p", { class: "title" }, title));
    for (const item of items) {
        if (!item) {
            menu.append(h("hr"));
            continue;
        }
        const button = h(
            "button",
            {
                type: "button",
                role: item.checked === undefined ? "menuitem" : "menuitemradio",
                "aria-checked": item.checked === undefined ? null : String(item.checked),
                class: item.danger ? "danger" : "",
                data: { act: item.act ?? "" },
            },
            h("span", {}, item.label),
            item.hint ? h("small", {}, item.hint) : null,
        );
        button.addEventListener("click", () => {
            menu.hidePopover();
            item.run();
        });
        menu.append(button);
    }
    menu.addEventListener("keydown", (event) => move(menu, event));
    menu.addEventListener("toggle", (event) => {
        if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
        menu.remove();
        if (shown === menu) shown = null;
        at.setAttribute("aria-expanded", "false");
        if (document.activeElement === document.body) at.focus({ preventScroll: true });
    });
    document.body.append(menu);
    menu.showPopover();
    shown = menu;
    at.setAttribute("aria-expanded", "true");
    place(menu, at);
    menu.querySelector("button")?.focus({ preventScroll: true });
}

/**
 * @param {HTMLElement} menu
 * @param {HTMLElement} at
 */
function place(menu, at) {
    if (matchMedia("(max-width: 640px)").matches) return;
    const box = at.getBoundingClientRect();
    const below = box.bottom + GAP + menu.offsetHeight <= innerHeight - GAP;
    const top = below ? box.bottom + GAP : Math.max(GAP, box.top - GAP - menu.offsetHeight);
    menu.style.top = `${top}px`;
    menu.style.left = `${Math.max(GAP, Math.min(box.right, innerWidth - GAP) - menu.offsetWidth)}px`;
}

/**
 * @param {HTMLElement} menu
 * @param {KeyboardEvent} event
 */
function move(menu, event) {
    const buttons = [...menu.querySelectorAll("button")];
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons.at(to % buttons.length)?.focus();
}
