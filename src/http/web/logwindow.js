// The part of a log that is in the document: lines that follow each other, never too many.
// @ts-check
import { plain, render } from "./ansi.js";

/** @import { Line } from "./logfile.js" */
/** @import { Style } from "./ansi.js" */

/** At most so many lines are in the document; beyond it those farthest from the reader go. */
export const LINES_MAX = 2000;

/**
 * @typedef {object} Shown
 * @property {number} offset where in the file it begins
 * @property {string} text
 * @property {Style} style what it begins with
 * @property {HTMLElement} element
 */

export class LogWindow {
    /**
     * @param {HTMLElement} element
     */
    constructor(element) {
        this.element = element;
        /** @type {Shown[]} */
        this.lines = [];
        /** Where in the file the first line begins, and where the last one ends. */
        this.start = 0;
        this.end = 0;
        /** What is highlighted, in lower case. */
        this.wanted = "";
        /** @type {HTMLElement | null} */
        this.partial = null;
        /** @type {HTMLElement | null} */
        this.current = null;
        this.style = plain();
    }

    /**
     * Begins anew at an offset.
     *
     * @param {number} offset
     */
    clear(offset) {
        this.lines = [];
        this.partial = null;
        this.current = null;
        this.start = this.end = offset;
        this.style = plain();
        this.element.replaceChildren();
    }

    /**
     * Adds lines behind the last; the first ones go if there are too many.
     *
     * @param {Line[]} lines
     * @param {number} end where in the file they end
     */
    append(lines, end) {
        this.tellPartial("");
        const fragment = document.createDocumentFragment();
        for (const line of lines) fragment.append(this.make(line, this.style, this.lines));
        this.element.append(fragment);
        this.end = end;
        const over = this.lines.length - LINES_MAX;
        if (over <= 0) return;
        for (const line of this.lines.splice(0, over)) line.element.remove();
        this.start = this.lines[0]?.offset ?? end;
    }

    /**
     * Adds lines before the first; the last ones go if there are too many.
     *
     * @param {Line[]} lines
     * @param {number} start where in the file they begin
     * @returns {boolean} whether lines at the end had to go
     */
    prepend(lines, start) {
        const style = plain();
        const fragment = document.createDocumentFragment();
        /** @type {Shown[]} */
        const made = [];
        for (const line of lines) fragment.append(this.make(line, style, made));
        this.element.prepend(fragment);
        this.lines = made.concat(this.lines);
        this.start = start;
        if (this.lines.length <= LINES_MAX) return false;
        const gone = this.lines.splice(LINES_MAX);
        this.end = gone[0]?.offset ?? this.end;
        for (const line of gone) line.element.remove();
        this.tellPartial("");
        return true;
    }

    /**
     * What the last line is so far, as long as it has not ended.
     *
     * @param {string} text
     */
    tellPartial(text) {
        if (text === "") {
            this.partial?.remove();
            this.partial = null;
            return;
        }
        if (!this.partial) {
            this.partial = document.createElement("div");
            this.partial.className = "entry partial";
            this.element.append(this.partial);
        }
        render(this.partial, text, { ...this.style }, this.wanted);
    }

    /**
     * @param {Line} line
     * @param {Style} style
     * @param {Shown[]} into
     * @returns {HTMLElement}
     */
    make({ offset, text }, style, into) {
        const element = document.createElement("div");
        element.className = "entry";
        into.push({ offset, text, style: { ...style }, element });
        render(element, text, style, this.wanted);
        return element;
    }

    /**
     * Highlights a text, and nothing else any more.
     *
     * @param {string} wanted
     */
    highlight(wanted) {
        if (this.wanted === wanted) return;
        const had = this.wanted !== "";
        this.wanted = wanted;
        for (const { element, text, style } of this.lines) {
            if (wanted || (had && element.querySelector("mark"))) render(element, text, { ...style }, wanted);
        }
    }

    /**
     * The line at an offset of the file, or the one that this is in.
     *
     * @param {number} offset
     * @returns {Shown | undefined}
     */
    at(offset) {
        if (offset < this.start || offset >= this.end) return undefined;
        let low = 0;
        let high = this.lines.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if ((this.lines[middle]?.offset ?? 0) <= offset) low = middle;
            else high = middle - 1;
        }
        return this.lines[low];
    }

    /**
     * Marks the line where the reader was led to.
     *
     * @param {HTMLElement | null} element
     */
    point(element) {
        this.current?.classList.remove("current");
        this.current = element;
        element?.classList.add("current");
    }
}
