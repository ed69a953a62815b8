// The log view: whose log it is, and what one can do with it.
// @ts-check
import { clearLogs } from "./actions.js";
import { call, inWords } from "./api.js";
import { onSecond, tell } from "./clock.js";
import { confirm } from "./dialogs.js";
import { attribute, byId, recall, remember, say, show } from "./dom.js";
import { LogFile } from "./logfile.js";
import { LogReader } from "./logreader.js";
import { LogSearch } from "./logsearch.js";
import { LogWindow } from "./logwindow.js";
import { back, replace } from "./route.js";
import * as store from "./store.js";
import { many, sentence } from "./words.js";

/** @import { Route } from "./route.js" */

/** How long something that was said of the log stays, in milliseconds. */
const NOTICE_MILLISECONDS = 8000;

const view = byId("log");
const scroller = byId("log-scroll");
const notice = byId("log-notice");
const follow = byId("log-follow");

const lines = new LogWindow(byId("log-lines"));

const reader = new LogReader(lines, scroller, {
    status,
    changed,
    written: (offset, text) => search.look(offset, text),
});

const search = new LogSearch({
    file: () => reader.file,
    reading: () => reader.place(),
    highlight: (text) => lines.highlight(text),
    jump: (offset) => void reader.jump(offset),
});

/** @type {Extract<Route, { view: "log" | "mainlog" }> | null} */
let shown = null;

let noticeTimer = 0;

/** Begins to listen to the view's parts. */
export function begin() {
    byId("log-back").addEventListener("click", back);
    follow.addEventListener("click", () => void reader.toEnd());
    byId("log-pause").addEventListener("click", () => reader.togglePause());
    byId("log-wrap").addEventListener("click", () => wrap(!view.classList.contains("wrap")));
    byId("log-clear").addEventListener("click", () => void clear());
    byId("log-retry").addEventListener("click", () => void reader.load());
    for (const channel of /** @type {const} */ (["stdout", "stderr"])) {
        byId(`log-${channel}`).addEventListener("click", () => {
            if (shown?.view === "log") replace("log", shown.id, channel, shown.node);
        });
    }
    wrap((recall("wrap") ?? "yes") === "yes");
    store.on("program", (program) => {
        if (shown?.view === "log" && program === store.find(shown.id, shown.node)) head();
    });
    store.on("reset", () => {
        if (!shown) return;
        head();
        if (!reader.file) open();
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
    reader.open(null);
    search.clear();
    status("");
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
    const node = shown.node || store.supervisor.node;
    const file =
        shown.view === "log"
            ? LogFile.ofProgram({ id: shown.id, node }, shown.channel)
            : LogFile.ofDaemon(shown.node);
    byId("log-download").setAttribute("href", file.download);
    reader.open(file);
}

function head() {
    if (!shown) return;
    const main = shown.view === "mainlog";
    const program = shown.view === "log" ? store.find(shown.id, shown.node) : undefined;
    const remote = shown.node !== "" && shown.node !== store.supervisor?.node;
    const name = shown.view === "log" ? shown.id : "Main log";
    say(byId("log-title"), remote ? `${name} on ${shown.node}` : name);
    show(byId("log-channels"), !main);
    if (shown.view === "log") {
        const { channel } = shown;
        attribute(byId("log-stdout"), "aria-pressed", String(channel === "stdout"));
        attribute(byId("log-stderr"), "aria-pressed", String(channel === "stderr"));
        const has = !program || program.told.stderr_logfile !== "" || channel === "stderr";
        show(byId("log-stderr"), has);
    }
    const state = byId("log-state");
    show(state, program !== undefined);
    if (program) {
        attribute(state, "data-state", program.told.statename);
        attribute(byId("log-dot"), "data-state", program.told.statename);
        const { word, reason, sense, time } = sentence(program.told);
        say(byId("log-word"), word + reason);
        tell(/** @type {HTMLTimeElement} */ (byId("log-time")), sense, time);
    }
    show(byId("log-clear"), !remote && store.may(main ? "administer" : "operate"));
}

/** Says where the reader is: while not at the end, how much is new there. */
function changed() {
    const { following, paused, unseen, file } = reader;
    show(follow, !following && file !== null);
    say(byId("log-follow-text"), unseen > 0 ? many(unseen, "new line") : paused ? "paused" : "to the end");
    follow.classList.toggle("news", unseen > 0);
    const pause = byId("log-pause");
    attribute(pause, "aria-pressed", String(paused));
    say(pause, paused ? "Go on" : "Pause");
    const nothing = lines.lines.length === 0 && lines.partial === null;
    show(byId("log-empty"), nothing && notice.dataset.kind !== "retry");
}

/**
 * Says something of the log; nothing, with no words.
 *
 * @param {string} text
 * @param {"" | "retry" | "lost"} [kind]
 */
function status(text, kind = "") {
    clearTimeout(noticeTimer);
    say(byId("log-notice-text"), text);
    show(notice, text !== "");
    show(byId("log-retry"), kind === "retry");
    notice.dataset.kind = kind;
    if (text !== "" && kind === "") {
        noticeTimer = window.setTimeout(() => show(notice, false), NOTICE_MILLISECONDS);
    }
}

/**
 * @param {boolean} on
 */
function wrap(on) {
    view.classList.toggle("wrap", on);
    attribute(byId("log-wrap"), "aria-pressed", String(on));
    remember("wrap", on ? "yes" : "no");
    if (reader.following) reader.end();
}

async function clear() {
    if (!shown) return;
    if (shown.view === "log") {
        const program = store.find(shown.id, shown.node);
        if (program && (await clearLogs(program))) void reader.load("The log was cleared.");
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
        void reader.load("The log was cleared.");
    } catch (error) {
        status(inWords(error));
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
            void reader.toEnd();
            return true;
        case "g":
            void reader.jump(0).then(() => lines.point(null));
            return true;
        case "w":
            wrap(!view.classList.contains("wrap"));
            return true;
        case "p":
            reader.togglePause();
            return true;
        case "PageUp":
        case "ArrowUp":
        case "Home":
            reader.leave();
            return false;
        default:
            return false;
    }
}
