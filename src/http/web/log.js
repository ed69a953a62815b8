// The log view: it follows until one scrolls up, and reads older lines as one does.
// @ts-check
import { clearLogs } from "./actions.js";
import { call, inWords } from "./api.js";
import { onSecond, tell } from "./clock.js";
import { confirm } from "./dialogs.js";
import { attribute, byId, recall, remember, say, show } from "./dom.js";
import { cut, join, LogFile, newlines, PIECE_BYTES, saysTruncated } from "./logfile.js";
import { LogSearch } from "./logsearch.js";
import { LINES_MAX, LogWindow } from "./logwindow.js";
import { back, replace } from "./route.js";
import * as store from "./store.js";
import { many, sentence } from "./words.js";

/** @import { Route } from "./route.js" */

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

/** How long something that was said of the log stays, in milliseconds. */
const NOTICE_MILLISECONDS = 8000;

const view = byId("log");
const scroller = byId("log-scroll");
const notice = byId("log-notice");
const follow = byId("log-follow");
const pauseButton = byId("log-pause");

const lines = new LogWindow(byId("log-lines"));

/** Of the log that is open. */
let abort = new AbortController();

/** @type {LogFile | null} */
let file = null;

/** @type {Extract<Route, { view: "log" | "mainlog" }> | null} */
let shown = null;

/** How far the file is known to go: everything before it was written. */
let position = 0;

/** Bytes that were written and are not shown yet. @type {Uint8Array[]} */
let pending = [];
let pendingBytes = 0;
/** The beginning of the last line, which has not ended. */
let rest = new Uint8Array();
/** Whether what is shown reaches to where the file ends. */
let attached = false;
/** Whether the reader is led along as lines are written. */
let following = true;
let paused = false;
let unseen = 0;
let loading = false;
let flushTimer = 0;
let noticeTimer = 0;

const search = new LogSearch({
    file: () => file,
    reading: () => (following ? Infinity : (bottomLine()?.offset ?? 0)),
    highlight: (text) => lines.highlight(text),
    jump: (offset) => void jump(offset),
});

/** Begins to listen to the view's parts. */
export function begin() {
    byId("log-back").addEventListener("click", back);
    scroller.addEventListener("scroll", scrolled, { passive: true });
    // At once, and not when the scrolling has happened: a flood would scroll back before it.
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && leave(), { passive: true });
    scroller.addEventListener("touchmove", () => !isAtEnd() && leave(), { passive: true });
    follow.addEventListener("click", () => void toEnd());
    pauseButton.addEventListener("click", togglePause);
    byId("log-wrap").addEventListener("click", () => wrap(!view.classList.contains("wrap")));
    byId("log-clear").addEventListener("click", () => void clear());
    for (const channel of /** @type {const} */ (["stdout", "stderr"])) {
        byId(`log-${channel}`).addEventListener("click", () => {
            if (shown?.view === "log") replace("log", shown.id, channel, shown.node);
        });
    }
    byId("log-retry").addEventListener("click", () => void load());
    wrap((recall("wrap") ?? "yes") === "yes");
    store.on("program", (program) => {
        if (shown?.view === "log" && program === store.find(shown.id, shown.node)) head();
    });
    store.on("reset", () => {
        if (!shown) return;
        head();
        if (!file) open();
    });
    onSecond(() => shown && head());
}

/**
 * Shows a log, or none.
 *
 * @param {Route} route
 */
export function showLog(route) {
    const wanted = route.view === "log" || route.view === "mainlog" ? route : null;
    if (JSON.stringify(wanted) === JSON.stringify(shown)) return;
    shown = wanted;
    abort.abort();
    file = null;
    lines.clear(0);
    search.clear();
    show(view, wanted !== null);
    document.body.classList.toggle("with-log", wanted !== null);
    if (!wanted) return;
    head();
    open();
    scroller.focus({ preventScroll: true });
}

/** Opens what is shown, once it is known which daemon this is. */
function open() {
    if (!shown || !store.supervisor) return;
    if (shown.view === "log") {
        const node = shown.node || store.supervisor.node;
        file = LogFile.ofProgram({ id: shown.id, node }, shown.channel);
    } else {
        file = LogFile.ofDaemon(shown.node);
    }
    byId("log-download").setAttribute("href", file.download);
    paused = false;
    void load();
}

function head() {
    if (!shown) return;
    const main = shown.view === "mainlog";
    const program = shown.view === "log" ? store.find(shown.id, shown.node) : undefined;
    const name = shown.view === "log" ? shown.id : "Main log";
    const where = shown.node && shown.node !== store.supervisor?.node ? ` on ${shown.node}` : "";
    say(byId("log-title"), name + where);
    show(byId("log-channels"), !main);
    if (shown.view === "log") {
        attribute(byId("log-stdout"), "aria-pressed", String(shown.channel === "stdout"));
        attribute(byId("log-stderr"), "aria-pressed", String(shown.channel === "stderr"));
        if (program) show(byId("log-stderr"), Boolean(program.told.stderr_logfile) || shown.channel === "stderr");
    }
    const state = byId("log-state");
    show(state, Boolean(program));
    if (program) {
        attribute(state, "data-state", program.told.statename);
        attribute(byId("log-dot"), "data-state", program.told.statename);
        const { word, reason, sense, time } = sentence(program.told);
        say(byId("log-word"), word + reason);
        tell(/** @type {HTMLTimeElement} */ (byId("log-time")), sense, time);
    }
    const remote = shown.node !== "" && shown.node !== store.supervisor?.node;
    show(byId("log-clear"), !remote && store.may(main ? "administer" : "operate"));
}

/**
 * Reads the end of the log, and follows it from there.
 *
 * @param {string} [why]
 */
async function load(why = "") {
    if (!file) return;
    const mine = file;
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    pending = [];
    pendingBytes = 0;
    unseen = 0;
    following = true;
    attached = false;
    status(why || "Reading…", false);
    try {
        const piece = await mine.read(-PIECE_BYTES, 0, signal);
        lines.clear(piece.from);
        position = piece.from + piece.bytes.length;
        fill(piece.bytes, piece.from);
        attached = true;
        status(why, false);
        empty();
        end();
        void stream(mine, signal);
    } catch (error) {
        if (signal.aborted) return;
        lines.clear(0);
        status(`The log cannot be read. ${inWords(error)}`, true);
    }
    tellFollow();
}

/**
 * Shows bytes that begin anywhere: the piece of a line that they begin with is left out.
 *
 * @param {Uint8Array} bytes
 * @param {number} from
 */
function fill(bytes, from) {
    const [start, skipped] = fromLine(bytes, from);
    const found = cut(skipped, start, false);
    lines.start = start;
    rest = new Uint8Array(found.rest);
    lines.append(found.lines, start + skipped.length - rest.length);
    lines.tellPartial(new TextDecoder().decode(rest));
}

/**
 * @param {Uint8Array} bytes
 * @param {number} from
 * @returns {[number, Uint8Array]}
 */
function fromLine(bytes, from) {
    if (from === 0) return [0, bytes];
    const newline = bytes.indexOf(10);
    const skip = newline === -1 ? 0 : newline + 1;
    return [from + skip, bytes.subarray(skip)];
}

/**
 * @param {LogFile} mine
 * @param {AbortSignal} signal
 */
async function stream(mine, signal) {
    for (;;) {
        try {
            await mine.follow(position, signal, (bytes) => {
                if (signal.aborted) return;
                if (!notice.hidden && notice.dataset.kind === "lost") status("", false);
                take(bytes);
            });
        } catch {
            // It is tried again, as when it ends.
        }
        if (signal.aborted) return;
        status("The connection to the log is lost; trying again…", false, "lost");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
        if (signal.aborted) return;
        try {
            // The daemon is there again, and the log may be another one.
            const piece = await mine.read(-1, 1, signal);
            if (piece.size < position) {
                void load("The log was begun anew.");
                return;
            }
            status("", false);
        } catch {
            // Not yet.
        }
    }
}

/**
 * @param {Uint8Array} bytes
 */
function take(bytes) {
    if (saysTruncated(bytes)) {
        void load("The log was emptied or begun anew.");
        return;
    }
    position += bytes.length;
    if (attached && following && !paused) {
        pending.push(bytes);
        pendingBytes += bytes.length;
        flushTimer ||= window.setTimeout(flush, FLUSH_MILLISECONDS);
    } else {
        attached = false;
        unseen += newlines(bytes);
        tellFollow();
    }
}

/** Shows what was written since. */
function flush() {
    flushTimer = 0;
    if (pending.length === 0) return;
    if (!attached) {
        for (const bytes of pending) unseen += newlines(bytes);
        forgetPending();
        tellFollow();
        return;
    }
    let bytes = rest;
    if (pendingBytes > CATCH_UP_BYTES_MAX) {
        // What was not seen while the page could not keep up is in the file.
        while (pendingBytes > CATCH_UP_BYTES_MAX / 2 && pending.length > 1) {
            pendingBytes -= pending.shift()?.length ?? 0;
        }
        const from = position - pendingBytes;
        lines.clear(from);
        const [start, skipped] = fromLine(concat(pending), from);
        lines.start = lines.end = start;
        bytes = new Uint8Array(skipped);
    } else {
        bytes = new Uint8Array(join(rest, concat(pending)));
    }
    forgetPending();
    const from = lines.end;
    const found = cut(bytes, from, false, LINES_MAX);
    if (found.count > found.lines.length) lines.clear(found.lines[0]?.offset ?? from);
    rest = new Uint8Array(found.rest);
    for (const line of found.lines) search.look(line.offset, line.text);
    lines.append(found.lines, from + bytes.length - rest.length);
    lines.tellPartial(new TextDecoder().decode(rest));
    empty();
    end();
}

function forgetPending() {
    pending = [];
    pendingBytes = 0;
}

/**
 * @param {Uint8Array[]} pieces
 * @returns {Uint8Array}
 */
function concat(pieces) {
    if (pieces.length === 1 && pieces[0]) return pieces[0];
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
    }
    return whole;
}

function end() {
    scroller.scrollTop = scroller.scrollHeight;
}

/** @returns {boolean} */
function isAtEnd() {
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < END_PIXELS;
}

/** The reader goes their own way. */
function leave() {
    if (!following || scroller.scrollHeight <= scroller.clientHeight) return;
    following = false;
    tellFollow();
}

function scrolled() {
    if (!file || loading) return;
    if (isAtEnd()) {
        if (attached && !paused) {
            following = true;
            unseen = 0;
            tellFollow();
        } else if (!attached) {
            void newer();
        }
    } else {
        leave();
        const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
        if (scroller.scrollTop < NEAR_PIXELS && lines.start > 0) void older();
        else if (below < NEAR_PIXELS && !attached) void newer();
    }
}

/** Reads what is before what is shown. */
async function older() {
    await reading(async (mine, signal) => {
        const from = Math.max(0, lines.start - PIECE_BYTES);
        const piece = await mine.read(from, lines.start - from, signal);
        if (isAnother(piece.size)) return;
        const [start, bytes] = fromLine(piece.bytes, piece.from);
        const found = cut(bytes, start, true);
        const anchor = lines.lines[0]?.element;
        const before = anchor?.offsetTop ?? 0;
        if (lines.prepend(found.lines, start)) {
            attached = false;
            rest = new Uint8Array();
        }
        // What is read stays where it is.
        if (anchor) scroller.scrollTop += anchor.offsetTop - before;
    });
}

/** Reads what is behind what is shown. */
async function newer() {
    if (file && lines.end >= position) {
        attached = true;
        restart(file);
        return;
    }
    await reading(async (mine, signal) => {
        const piece = await mine.read(lines.end, PIECE_BYTES, signal);
        if (isAnother(piece.size)) return;
        const reached = piece.from + piece.bytes.length >= position;
        const found = cut(piece.bytes, lines.end, false);
        const anchor = lines.lines[lines.lines.length - 1]?.element;
        const before = anchor?.offsetTop ?? 0;
        lines.append(found.lines, lines.end + piece.bytes.length - found.rest.length);
        const after = anchor?.isConnected ? anchor.offsetTop : before;
        scroller.scrollTop += after - before;
        if (!reached) return;
        position = Math.max(position, piece.from + piece.bytes.length);
        rest = new Uint8Array(found.rest);
        lines.tellPartial(new TextDecoder().decode(rest));
        // What the stream brings of the same bytes would come twice; it begins anew behind them.
        attached = true;
        unseen = 0;
        restart(mine);
    });
}

/**
 * @param {LogFile} mine
 */
function restart(mine) {
    abort.abort();
    abort = new AbortController();
    forgetPending();
    void stream(mine, abort.signal);
    tellFollow();
}

/**
 * @param {(mine: LogFile, signal: AbortSignal) => Promise<void>} work
 */
async function reading(work) {
    if (loading || !file) return;
    loading = true;
    const { signal } = abort;
    try {
        await work(file, signal);
    } catch (error) {
        if (!signal.aborted) status(inWords(error), false);
    } finally {
        loading = false;
    }
}

/**
 * A file that is shorter than what was read of it is another one.
 *
 * @param {number} size
 * @returns {boolean}
 */
function isAnother(size) {
    if (size >= position) return false;
    void load("The log was rotated: what was before is in an older file.");
    return true;
}

/** Goes to the end, and follows from there. */
async function toEnd() {
    paused = false;
    tellPause();
    if (attached) {
        following = true;
        unseen = 0;
        end();
        tellFollow();
    } else {
        await load();
    }
}

/**
 * Shows the line at an offset of the file.
 *
 * @param {number} offset
 */
async function jump(offset) {
    following = false;
    let line = lines.at(offset);
    if (!line) {
        await reading(async (mine, signal) => {
            const from = Math.max(0, offset - PIECE_BYTES / 2);
            const piece = await mine.read(from, PIECE_BYTES, signal);
            if (isAnother(piece.size)) return;
            lines.clear(piece.from);
            attached = false;
            fill(piece.bytes, piece.from);
            rest = new Uint8Array();
            lines.tellPartial("");
        });
        line = lines.at(offset);
    }
    lines.point(line?.element ?? null);
    line?.element.scrollIntoView({ block: "center" });
    tellFollow();
}

/** The last line that is seen. */
function bottomLine() {
    const bottom = scroller.scrollTop + scroller.clientHeight;
    return lines.lines.findLast(({ element }) => element.offsetTop < bottom);
}

function togglePause() {
    paused = !paused;
    tellPause();
    if (paused) following = false;
    else void toEnd();
    tellFollow();
}

function tellPause() {
    attribute(pauseButton, "aria-pressed", String(paused));
    say(pauseButton, paused ? "Go on" : "Pause");
}

/** What is said while the reader is not at the end. */
function tellFollow() {
    show(follow, !following && file !== null);
    const words = unseen > 0 ? many(unseen, "new line") : paused ? "paused" : "to the end";
    say(byId("log-follow-text"), words);
    follow.classList.toggle("news", unseen > 0);
}

/**
 * @param {boolean} on
 */
function wrap(on) {
    view.classList.toggle("wrap", on);
    attribute(byId("log-wrap"), "aria-pressed", String(on));
    remember("wrap", on ? "yes" : "no");
    if (following) end();
}

/**
 * @param {string} text
 * @param {boolean} retry
 * @param {string} [kind]
 */
function status(text, retry, kind = "") {
    say(byId("log-notice-text"), text);
    show(notice, text !== "");
    show(byId("log-retry"), retry);
    notice.dataset.kind = kind;
    clearTimeout(noticeTimer);
    const passing = text !== "" && !retry && kind === "";
    if (passing) noticeTimer = window.setTimeout(() => show(notice, false), NOTICE_MILLISECONDS);
}

function empty() {
    show(byId("log-empty"), lines.lines.length === 0 && lines.partial === null);
}

async function clear() {
    if (!shown) return;
    if (shown.view === "log") {
        const program = store.find(shown.id, shown.node);
        if (program && (await clearLogs(program))) void load("The log was cleared.");
        return;
    }
    const sure = await confirm({
        title: "Clear the main log?",
        text: "What it holds is lost.",
        action: "Clear log",
        danger: true,
    });
    if (!sure) return;
    try {
        await call("POST", "api/clearLog", {});
        void load("The log was cleared.");
    } catch (error) {
        status(inWords(error), false);
    }
}

/**
 * A key that was pressed in the log view.
 *
 * @param {string} key
 * @returns {boolean} whether it meant something
 */
export function logKey(key) {
    switch (key) {
        case "/":
            byId("log-search").focus();
            return true;
        case "Escape":
            search.clear();
            return true;
        case "n":
            search.step(1);
            return true;
        case "N":
            search.step(-1);
            return true;
        case "G":
            void toEnd();
            return true;
        case "g":
            void jump(0).then(() => lines.point(null));
            return true;
        case "w":
            wrap(!view.classList.contains("wrap"));
            return true;
        case "p":
            togglePause();
            return true;
        case "PageUp":
        case "ArrowUp":
        case "Home":
            leave();
            return false;
        default:
            return false;
    }
}
