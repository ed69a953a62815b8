// A line of a log: its colours (SGR), and what is to be highlighted, as text in elements.
// @ts-check

/**
 * How text looks: colours are a number of the palette of 16, or `rgb(...)`; -1 is none.
 *
 * @typedef {object} Style
 * @property {number | string} fore
 * @property {number | string} back
 * @property {boolean} bold
 * @property {boolean} dim
 * @property {boolean} italic
 * @property {boolean} underline
 * @property {boolean} inverse
 * @property {boolean} strike
 */

/** @returns {Style} */
export function plain() {
    return {
        fore: -1, back: -1, bold: false, dim: false, italic: false, underline: false,
        inverse: false, strike: false,
    };
}

// Control sequences (of which those that end in "m" are styles), strings such as titles and
// links, and other escapes.
const ESCAPE = /\x1b(?:\[([0-9:;<=>?]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~]?)|\x9b[0-9:;]*[@-~]/g;

/** What would not be seen, or would move what is: it is shown as a sign that stands for it. */
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/g;

/** What makes text look as if it stood elsewhere. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * Puts a line into an element. The style it begins with is changed to the one it ends with.
 *
 * @param {HTMLElement} into
 * @param {string} line
 * @param {Style} style
 * @param {string} [wanted] what is highlighted, in lower case
 */
export function render(into, line, style, wanted = "") {
    const ended = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (!ended.includes("\x1b") && !ended.includes("\x9b") && isPlain(style) && !wanted) {
        into.textContent = visible(ended);
        return;
    }
    /** @type {{ text: string, style: Style }[]} */
    const runs = [];
    let at = 0;
    for (const found of ended.matchAll(ESCAPE)) {
        if (found.index > at) runs.push({ text: visible(ended.slice(at, found.index)), style: { ...style } });
        if (found[2] === "m") change(style, found[1] ?? "");
        at = found.index + found[0].length;
    }
    if (at < ended.length) runs.push({ text: visible(ended.slice(at)), style: { ...style } });
    const marks = wanted ? places(runs.map((run) => run.text).join(""), wanted) : [];
    const parts = [];
    let before = 0;
    for (const run of runs) {
        parts.push(...marked(run, before, marks));
        before += run.text.length;
    }
    into.replaceChildren(...parts);
}

/**
 * @param {string} text
 * @returns {string}
 */
function visible(text) {
    return text
        .replace(CONTROL, (sign) => String.fromCharCode(sign === "\x7f" ? 0x2421 : 0x2400 + sign.charCodeAt(0)))
        .replace(DIRECTION, "\ufffd");
}

/**
 * Where a text is found, from and to.
 *
 * @param {string} text
 * @param {string} wanted
 * @returns {[number, number][]}
 */
function places(text, wanted) {
    // Only letters of ASCII are compared without their case, as the daemon does it.
    const folded = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    /** @type {[number, number][]} */
    const found = [];
    for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, at + wanted.length)) {
        found.push([at, at + wanted.length]);
    }
    return found;
}

/**
 * A run of one style, with its highlights.
 *
 * @param {{ text: string, style: Style }} run
 * @param {number} before
 * @param {[number, number][]} marks
 * @returns {Node[]}
 */
function marked({ text, style }, before, marks) {
    const parts = [];
    let at = 0;
    for (const [from, to] of marks) {
        const start = Math.max(at, from - before);
        const end = Math.min(text.length, to - before);
        if (end <= start || start >= text.length) continue;
        if (start > at) parts.push(styled(text.slice(at, start), style));
        const mark = document.createElement("mark");
        mark.append(styled(text.slice(start, end), style));
        parts.push(mark);
        at = end;
    }
    if (at < text.length) parts.push(styled(text.slice(at), style));
    return parts;
}

/**
 * @param {string} text
 * @param {Style} style
 * @returns {Node}
 */
function styled(text, style) {
    if (isPlain(style)) return document.createTextNode(text);
    const span = document.createElement("span");
    span.textContent = text;
    const names = [];
    if (style.bold) names.push("bold");
    if (style.dim) names.push("dim");
    if (style.italic) names.push("italic");
    if (style.underline) names.push("underline");
    if (style.strike) names.push("strike");
    if (style.inverse) names.push("inverse");
    if (typeof style.fore === "number" && style.fore >= 0) names.push(`f${style.fore}`);
    if (typeof style.back === "number" && style.back >= 0) names.push(`b${style.back}`);
    span.className = names.join(" ");
    if (typeof style.fore === "string") span.style.color = style.fore;
    if (typeof style.back === "string") span.style.backgroundColor = style.back;
    return span;
}

/**
 * @param {Style} style
 * @returns {boolean}
 */
function isPlain(style) {
    return (
        style.fore === -1 && style.back === -1 && !style.bold && !style.dim && !style.italic &&
        !style.underline && !style.inverse && !style.strike
    );
}

/**
 * Follows one control sequence.
 *
 * @param {Style} style
 * @param {string} codes
 */
function change(style, codes) {
    const numbers = codes.split(/[;:]/).map((code) => Number(code) || 0);
    while (numbers.length > 0) {
        const code = numbers.shift() ?? 0;
        if (code === 0) Object.assign(style, plain());
        else if (code === 1) style.bold = true;
        else if (code === 2) style.dim = true;
        else if (code === 3) style.italic = true;
        else if (code === 4) style.underline = true;
        else if (code === 7) style.inverse = true;
        else if (code === 9) style.strike = true;
        else if (code === 22) style.bold = style.dim = false;
        else if (code === 23) style.italic = false;
        else if (code === 24) style.underline = false;
        else if (code === 27) style.inverse = false;
        else if (code === 29) style.strike = false;
        else if (code >= 30 && code <= 37) style.fore = code - 30;
        else if (code === 38) style.fore = colour(numbers);
        else if (code === 39) style.fore = -1;
        else if (code >= 40 && code <= 47) style.back = code - 40;
        else if (code === 48) style.back = colour(numbers);
        else if (code === 49) style.back = -1;
        else if (code >= 90 && code <= 97) style.fore = code - 82;
        else if (code >= 100 && code <= 107) style.back = code - 92;
    }
}

/** The steps of the colour cube of 6 x 6 x 6. */
const STEPS = [0, 95, 135, 175, 215, 255];

/**
 * A colour of 256, or of red, green and blue.
 *
 * @param {number[]} numbers
 * @returns {number | string}
 */
function colour(numbers) {
    const kind = numbers.shift();
    if (kind === 2) {
        const [red = 0, green = 0, blue = 0] = numbers.splice(0, 3).map((value) => Math.min(255, value));
        return `rgb(${red}, ${green}, ${blue})`;
    }
    if (kind !== 5) return -1;
    const index = Math.min(255, numbers.shift() ?? 0);
    if (index < 16) return index;
    if (index >= 232) {
        const grey = 8 + (index - 232) * 10;
        return `rgb(${grey}, ${grey}, ${grey})`;
    }
    const cube = index - 16;
    const [red, green, blue] = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((step) => STEPS[step]);
    return `rgb(${red}, ${green}, ${blue})`;
}
