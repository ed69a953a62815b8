// Making and changing elements. What comes from the daemon becomes text and never markup.
// @ts-check

/**
 * Makes an element: `class`, `data`, `on` (listeners) and attributes, then its children.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === null || value === undefined || value === false) continue;
        if (name === "class") element.className = value;
        else if (name === "data") Object.assign(element.dataset, value);
        else if (name === "on") {
            for (const [event, listener] of Object.entries(value)) {
                element.addEventListener(event, listener);
            }
        } else element.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children) {
        if (child !== null && child !== undefined && child !== false) element.append(child);
    }
    return element;
}

/**
 * Sets a text, and touches the document only if it is another.
 *
 * @param {Node} node
 * @param {string} text
 */
export function say(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

/**
 * Sets or, with null, removes an attribute, and touches the document only if that changes it.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function attribute(element, name, value) {
    if (element.getAttribute(name) === value) return;
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
}

/**
 * Shows or hides.
 *
 * @param {HTMLElement} element
 * @param {boolean} shown
 */
export function show(element, shown) {
    if (element.hidden === shown) element.hidden = !shown;
}

/**
 * The element of this id, which the document has.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
    const element = document.getElementById(id);
    if (!element) throw new Error(`the document has no ${id}`);
    return element;
}

/**
 * Keeps a choice where the browser allows it.
 *
 * @param {string} name
 * @param {string | null} value
 */
export function remember(name, value) {
    try {
        if (value === null) localStorage.removeItem(name);
        else localStorage.setItem(name, value);
    } catch {
        // It holds until the page is left.
    }
}

/**
 * @param {string} name
 * @returns {string | null}
 */
export function recall(name) {
    try {
        return localStorage.getItem(name);
    } catch {
        return null;
    }
}
