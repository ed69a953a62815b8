// Searching a log: through the whole file, from match to match.
// @ts-check
import { inWords } from "./api.js";
import { byId, say, show } from "./dom.js";
import { count } from "./words.js";

/** @import { LogFile } from "./logfile.js" */

/** So many matches are kept; the search ends there, and says so. */
const MATCHES_MAX = 20_000;

/** A search begins when nothing was typed for this long, in milliseconds. */
const PAUSE_MILLISECONDS = 400;

/** One letter is found everywhere: a search begins with as many, or with Return. */
const LETTERS_LEAST = 2;

const field = /** @type {HTMLInputElement} */ (byId("log-search"));
const status = byId("log-matches");
const previous = /** @type {HTMLButtonElement} */ (byId("log-previous"));
const next = /** @type {HTMLButtonElement} */ (byId("log-next"));

export class LogSearch {
    /**
     * @param {{ file: () => LogFile | null, reading: () => number, highlight: (text: string) => void,
     *     jump: (offset: number) => void }} view
     */
    constructor(view) {
        this.view = view;
        /** Where the lines that match begin. @type {number[]} */
        this.matches = [];
        this.at = -1;
        this.text = "";
        this.state = "";
        this.timer = 0;
        this.abort = new AbortController();
        field.addEventListener("input", () => {
            clearTimeout(this.timer);
            const long = field.value.length === 0 || field.value.length >= LETTERS_LEAST;
            if (long) this.timer = window.setTimeout(() => void this.start(), PAUSE_MILLISECONDS);
        });
        field.addEventListener("keydown", (event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            clearTimeout(this.timer);
            if (field.value !== this.text) void this.start();
            else this.step(event.shiftKey ? 1 : -1);
        });
        previous.addEventListener("click", () => this.step(-1));
        next.addEventListener("click", () => this.step(1));
    }

    /** Forgets the search. */
    clear() {
        field.value = "";
        clearTimeout(this.timer);
        void this.start();
    }

    async start() {
        this.abort.abort();
        this.abort = new AbortController();
        const { signal } = this.abort;
        const file = this.view.file();
        this.text = field.value;
        this.matches = [];
        this.at = -1;
        this.state = "";
        this.view.highlight(folded(this.text));
        if (!this.text || !file) {
            this.tell();
            return;
        }
        this.state = "searching…";
        this.tell();
        try {
            await file.search(this.text, signal, ({ matches, upTo, size }) => {
                if (signal.aborted) return false;
                for (const { offset } of matches) this.matches.push(offset);
                this.state = size > 0 ? `searching, ${Math.floor((upTo / size) * 100)} %` : "";
                this.tell();
                return this.matches.length < MATCHES_MAX;
            });
            this.state = this.matches.length >= MATCHES_MAX ? "and more" : "";
        } catch (error) {
            if (signal.aborted) return;
            this.state = inWords(error);
        }
        this.tell();
        if (this.matches.length > 0 && this.at === -1) this.begin();
    }

    /** The first jump: to the last match that is not below what is read. */
    begin() {
        const reading = this.view.reading();
        let at = this.matches.findLastIndex((offset) => offset <= reading);
        if (at === -1) at = 0;
        this.go(at);
    }

    /**
     * @param {1 | -1} by
     */
    step(by) {
        if (this.matches.length === 0) return;
        if (this.at === -1) {
            this.begin();
            return;
        }
        this.go((this.at + by + this.matches.length) % this.matches.length);
    }

    /**
     * @param {number} at
     */
    go(at) {
        this.at = at;
        this.tell();
        this.view.jump(this.matches[at] ?? 0);
    }

    /**
     * Looks at a line that was written since.
     *
     * @param {number} offset
     * @param {string} text
     */
    look(offset, text) {
        if (!this.text || this.matches.length >= MATCHES_MAX) return;
        const last = this.matches[this.matches.length - 1] ?? -1;
        if (offset > last && folded(text).includes(folded(this.text))) this.matches.push(offset);
    }

    tell() {
        const found = this.matches.length;
        const place = this.at >= 0 ? `${count(this.at + 1)} of ${count(found)}` : count(found);
        const words = found > 0 ? [`${place}`] : this.text && !this.state ? ["no match"] : [];
        if (this.state) words.push(this.state);
        say(status, words.join(" · "));
        show(status, words.length > 0);
        previous.disabled = next.disabled = found === 0;
    }
}

/**
 * Without the case of ASCII letters, as the daemon compares.
 *
 * @param {string} text
 * @returns {string}
 */
function folded(text) {
    return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
