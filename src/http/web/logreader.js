// Where in a log the reader is: at its end, which moves, or anywhere else in it.
// @ts-check
import { inWords } from "./api.js";
import { cut, fromLine, join, newlines, PIECE_BYTES, saysTruncated } from "./logfile.js";
import { LINES_MAX } from "./logwindow.js";

/** @import { LogFile } from "./logfile.js" */
/** @import { LogWindow } from "./logwindow.js" */

/** What is written is shown this often, in milliseconds: a flood is not painted line by line. */
const FLUSH_MILLISECONDS = 100;

/** More than this, in bytes, is not caught up with line by line: its end is shown. */
const CATCH_UP_BYTES_MAX = 1024 * 1024;

/** How near to an end of what is loaded more is read, in pixels. */
const NEAR_PIXELS = 600;

/** Less than this from the end, in pixels, is at the end. */
const END_PIXELS = 12;

/** How long until a stream that broke is tried again, in milliseconds. */
const RETRY_MILLISECONDS = 1500;

/**
 * A view that nobody has looked at for this long, in milliseconds, lets go of its stream: a
 * browser has six connections to a server for all of its windows.
 */
const HIDDEN_MILLISECONDS_MAX = 30_000;

const decoder = new TextDecoder();

/**
 * What the view around it is told: words for the reader, with `retry` when nothing can be shown
 * and `lost` while the daemon is not heard; that what is shown, or the place in it, has changed;
 * a line that was written just now.
 *
 * @typedef {object} View
 * @property {(text: string, kind?: "" | "retry" | "lost") => void} status
 * @property {() => void} changed
 * @property {(offset: number, text: string) => void} written
 */

export class LogReader {
    /**
     * @param {LogWindow} lines
     * @param {HTMLElement} scroller
     * @param {View} view
     */
    constructor(lines, scroller, view) {
        this.lines = lines;
        this.scroller = scroller;
        this.view = view;
        /** @type {LogFile | null} */
        this.file = null;
        this.abort = new AbortController();
        /** How far the file is known to go: everything before it was written. */
        this.position = 0;
        /** Bytes that were written and are not shown yet. @type {Uint8Array[]} */
        this.pending = [];
        this.pendingBytes = 0;
        /** The beginning of the last line, which has not ended. @type {Uint8Array} */
        this.rest = new Uint8Array();
        /** Whether what is shown reaches to where the file ends. */
        this.attached = false;
        /** Whether the reader is led along as lines are written. */
        this.following = true;
        this.paused = false;
        this.pausedAt = 0;
        /** Lines that were written and that the reader was not led to. */
        this.unseen = 0;
        this.loading = false;
        this.lost = false;
        this.timer = 0;
        this.asleep = false;
        let hidden = 0;
        document.addEventListener("visibilitychange", () => {
            clearTimeout(hidden);
            if (document.hidden) hidden = window.setTimeout(() => this.sleep(), HIDDEN_MILLISECONDS_MAX);
            else this.wake();
        });
        scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
        // At once, and not when the scrolling has happened: a flood would scroll back before it.
        scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.leave(), { passive: true });
        scroller.addEventListener("touchmove", () => !this.isAtEnd() && this.leave(), { passive: true });
    }

    /**
     * Opens a log at its end, or none.
     *
     * @param {LogFile | null} file
     */
    open(file) {
        this.abort.abort();
        this.file = file;
        this.paused = false;
        this.lost = false;
        this.asleep = false;
        this.lines.clear(0);
        if (file) void this.load();
    }

    /**
     * Reads the end of the log, and follows it from there.
     *
     * @param {string} [why]
     */
    async load(why = "") {
        const { file } = this;
        if (!file) return;
        const signal = this.begin();
        this.unseen = 0;
        this.following = true;
        this.attached = false;
        this.view.status(why || "Reading…");
        try {
            const piece = await file.read(-PIECE_BYTES, 0, signal);
            this.lines.clear(piece.from);
            this.position = piece.from + piece.bytes.length;
            this.fill(piece.bytes, piece.from);
            this.attached = true;
            this.view.status(why);
            this.end();
            void this.stream(file, signal);
        } catch (error) {
            if (signal.aborted) return;
            this.lines.clear(0);
            this.view.status(`The log cannot be read. ${inWords(error)}`, "retry");
        }
        this.view.changed();
    }

    sleep() {
        if (!this.file) return;
        this.flush();
        this.begin();
        this.asleep = true;
    }

    /** Goes on where the stream was let go of. */
    wake() {
        if (this.asleep && this.file) void this.stream(this.file, this.begin());
    }

    /** Ends what is under way. @returns {AbortSignal} of what comes now */
    begin() {
        this.abort.abort();
        this.abort = new AbortController();
        this.asleep = false;
        this.forgetPending();
        return this.abort.signal;
    }

    /**
     * Shows bytes that begin anywhere: the piece of a line that they begin with is left out.
     *
     * @param {Uint8Array} bytes
     * @param {number} from
     */
    fill(bytes, from) {
        const [start, skipped] = fromLine(bytes, from);
        const found = cut(skipped, start, false);
        this.lines.start = start;
        this.rest = found.rest.slice();
        this.lines.append(found.lines, start + skipped.length - this.rest.length);
        this.lines.tellPartial(decoder.decode(this.rest));
    }

    /**
     * @param {LogFile} file
     * @param {AbortSignal} signal
     */
    async stream(file, signal) {
        for (;;) {
            try {
                await file.follow(this.position, signal, (bytes) => {
                    if (!signal.aborted) this.take(bytes);
                });
            } catch {
                // It is tried again, as when it ends.
            }
            if (signal.aborted) return;
            this.lose(true);
            await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
            if (signal.aborted) return;
            try {
                // The daemon is there again, and the log may be another one.
                const { size } = await file.read(-1, 1, signal);
                this.lose(false);
                if (this.isAnother(size)) return;
            } catch {
                // Not yet.
            }
        }
    }

    /**
     * @param {boolean} lost
     */
    lose(lost) {
        if (this.lost === lost) return;
        this.lost = lost;
        if (lost) this.view.status("The connection to the log is lost; trying again…", "lost");
        else this.view.status("");
    }

    /**
     * Takes what was written.
     *
     * @param {Uint8Array} bytes
     */
    take(bytes) {
        if (saysTruncated(bytes)) {
            void this.load("The log was emptied or begun anew.");
            return;
        }
        this.position += bytes.length;
        if (this.attached && this.following && !this.paused) {
            this.pending.push(bytes);
            this.pendingBytes += bytes.length;
            this.timer ||= window.setTimeout(() => this.flush(), FLUSH_MILLISECONDS);
        } else {
            this.attached = false;
            this.unseen += newlines(bytes);
            this.view.changed();
        }
    }

    /** Shows what was written since. */
    flush() {
        this.timer = 0;
        if (this.pending.length === 0) return;
        if (!this.following || this.paused) {
            for (const bytes of this.pending) this.unseen += newlines(bytes);
            this.attached = false;
            this.forgetPending();
            this.view.changed();
            return;
        }
        const bytes = this.pendingBytes > CATCH_UP_BYTES_MAX ? this.skip() : this.gathered();
        this.forgetPending();
        const from = this.lines.end;
        const found = cut(bytes, from, false, LINES_MAX);
        if (found.count > found.lines.length) this.lines.clear(found.lines[0]?.offset ?? from);
        this.rest = found.rest.slice();
        for (const line of found.lines) this.view.written(line.offset, line.text);
        this.lines.append(found.lines, from + bytes.length - this.rest.length);
        this.lines.tellPartial(decoder.decode(this.rest));
        this.end();
        this.view.changed();
    }

    /** @returns {Uint8Array} */
    gathered() {
        return join(this.rest, ...this.pending);
    }

    /**
     * Leaves out what the page could not keep up with; it is in the file.
     *
     * @returns {Uint8Array}
     */
    skip() {
        while (this.pendingBytes > CATCH_UP_BYTES_MAX / 2 && this.pending.length > 1) {
            this.pendingBytes -= this.pending.shift()?.length ?? 0;
        }
        const from = this.position - this.pendingBytes;
        const [start, bytes] = fromLine(join(...this.pending), from);
        this.lines.clear(start);
        return bytes;
    }

    forgetPending() {
        clearTimeout(this.timer);
        this.timer = 0;
        this.pending = [];
        this.pendingBytes = 0;
    }

    /** Scrolls to the end. */
    end() {
        this.scroller.scrollTop = this.scroller.scrollHeight;
    }

    /** @returns {number} how many pixels there are below what is seen */
    below() {
        return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
    }

    /** @returns {boolean} */
    isAtEnd() {
        return this.below() < END_PIXELS;
    }

    /** The reader goes their own way. */
    leave() {
        if (!this.following || this.scroller.scrollHeight <= this.scroller.clientHeight) return;
        this.following = false;
        this.view.changed();
    }

    scrolled() {
        if (!this.file || this.loading) return;
        if (this.isAtEnd() && this.attached) {
            if (this.paused || this.following) return;
            this.following = true;
            this.unseen = 0;
            this.view.changed();
            return;
        }
        if (!this.isAtEnd()) this.leave();
        if (this.scroller.scrollTop < NEAR_PIXELS && this.lines.start > 0) void this.older();
        else if (this.below() < NEAR_PIXELS && !this.attached) void this.newer();
    }

    /** Reads what is before what is shown. */
    async older() {
        const { lines, scroller } = this;
        await this.reading(async (file, signal) => {
            const from = Math.max(0, lines.start - PIECE_BYTES);
            const piece = await file.read(from, lines.start - from, signal);
            if (this.isAnother(piece.size)) return;
            const [start, bytes] = fromLine(piece.bytes, piece.from);
            const found = cut(bytes, start, true);
            const anchor = lines.lines[0]?.element;
            const before = anchor?.offsetTop ?? 0;
            if (lines.prepend(found.lines, start)) {
                this.attached = false;
                this.rest = new Uint8Array();
            }
            // What is read stays where it is.
            if (anchor) scroller.scrollTop += anchor.offsetTop - before;
        });
    }

    /** Reads what is behind what is shown. */
    async newer() {
        const { lines, scroller } = this;
        if (this.paused && lines.end >= this.pausedAt) return;
        if (lines.end >= this.position) {
            this.attach();
            return;
        }
        await this.reading(async (file, signal) => {
            const piece = await file.read(lines.end, PIECE_BYTES, signal);
            if (this.isAnother(piece.size)) return;
            const reached = piece.from + piece.bytes.length;
            const found = cut(piece.bytes, lines.end, false);
            const anchor = lines.lines[lines.lines.length - 1]?.element;
            const before = anchor?.offsetTop ?? 0;
            lines.append(found.lines, reached - found.rest.length);
            if (anchor?.isConnected) scroller.scrollTop += anchor.offsetTop - before;
            if (reached < this.position) return;
            this.position = reached;
            this.rest = found.rest.slice();
            lines.tellPartial(decoder.decode(this.rest));
            this.attach();
        });
    }

    /** What is shown reaches the end of the file again, and the stream goes on from there. */
    attach() {
        if (!this.file) return;
        this.attached = true;
        this.unseen = 0;
        // What the stream that is under way brings of the same bytes would come twice.
        void this.stream(this.file, this.begin());
        this.view.changed();
    }

    /**
     * @param {(file: LogFile, signal: AbortSignal) => Promise<void>} work
     */
    async reading(work) {
        if (this.loading || !this.file) return;
        this.loading = true;
        const { signal } = this.abort;
        try {
            await work(this.file, signal);
        } catch (error) {
            if (!signal.aborted) this.view.status(inWords(error));
        } finally {
            this.loading = false;
        }
    }

    /**
     * A file that is shorter than what was read of it is another one: its end is shown.
     *
     * @param {number} size
     * @returns {boolean}
     */
    isAnother(size) {
        if (size >= this.position) return false;
        void this.load("The log was begun anew: what was before may be in an older file.");
        return true;
    }

    /** Goes to the end, and follows from there. */
    async toEnd() {
        this.paused = false;
        if (!this.attached) {
            await this.load();
            return;
        }
        this.following = true;
        this.unseen = 0;
        this.end();
        this.view.changed();
    }

    /**
     * Shows the line at an offset of the file.
     *
     * @param {number} offset
     */
    async jump(offset) {
        const { lines } = this;
        this.following = false;
        let line = lines.at(offset);
        if (!line) {
            await this.reading(async (file, signal) => {
                const from = Math.max(0, offset - PIECE_BYTES / 2);
                const piece = await file.read(from, PIECE_BYTES, signal);
                if (this.isAnother(piece.size)) return;
                lines.clear(piece.from);
                this.attached = false;
                this.fill(piece.bytes, piece.from);
                this.rest = new Uint8Array();
                lines.tellPartial("");
            });
            line = lines.at(offset);
        }
        lines.point(line?.element ?? null);
        line?.element.scrollIntoView({ block: "center" });
        this.view.changed();
    }

    /** Holds everything still, or goes on at the end. */
    togglePause() {
        if (this.paused) {
            void this.toEnd();
            return;
        }
        this.paused = true;
        this.pausedAt = this.position;
        this.following = false;
        this.view.changed();
    }

    /** Where in the file the last line begins that is seen. @returns {number} */
    place() {
        if (this.following) return Infinity;
        const bottom = this.scroller.scrollTop + this.scroller.clientHeight;
        return this.lines.lines.findLast(({ element }) => element.offsetTop < bottom)?.offset ?? 0;
    }
}
