// What is known of a program, as a list of facts, and its last changes.
// @ts-check
import { duration, moment } from "./clock.js";
import { attribute, h, say } from "./dom.js";
import { openLog } from "./programmenu.js";
import { bytes, lastExit, many } from "./words.js";

/** @import { Program } from "./store.js" */
/** @import { Detail } from "./types" */

/** @typedef {(name: string, ...value: (Node | string | null)[]) => void} Fact */

/**
 * Everything that is known of it. The detail is what the daemon told when it was asked, or why it
 * did not, or null as long as it has not answered.
 *
 * @param {Program} program
 * @param {Detail | string | null} detail
 * @returns {HTMLElement}
 */
export function facts(program, detail) {
    const { told } = program;
    const found = h("dl", { class: "facts" });
    /** @type {Fact} */
    const fact = (name, ...value) => {
        if (value.every((part) => part === null || part === "")) return;
        found.append(h("dt", {}, name), h("dd", {}, ...value));
    };
    fact("Command", code(told.command));
    fact("Process", told.pid ? `pid ${told.pid}` : "none");
    fact("Last exit", lastExit(told));
    if (told.tries > 0 && told.statename !== "RUNNING") fact("Tries", `${told.tries} of ${told.retries + 1}`);
    fact("Restarts", `${told.restarts_last_hour ?? 0} in the last hour, ${told.restarts ?? 0} since it was added`);
    fact("Says", told.status_text ?? "");
    fact("Control group", code(told.control_group));
    if (detail === null) fact("More", "asking the daemon…");
    else if (typeof detail === "string") fact("More", h("span", { class: "failure" }, detail));
    else configured(fact, program, detail);
    return h("section", { class: "block" }, found);
}

/**
 * How it is configured.
 *
 * @param {Fact} fact
 * @param {Program} program
 * @param {Detail} detail
 */
function configured(fact, program, detail) {
    fact("Directory", code(detail.directory));
    fact("User", detail.user ? String(detail.user) : "the daemon's own");
    if (detail.config) fact("Configured", code(`${detail.config.file}:${detail.config.line}`));
    fact("Its own file", code(detail.conf_file));
    for (const channel of /** @type {const} */ (["stdout", "stderr"])) {
        const log = detail.logs?.[channel];
        if (!log) continue;
        const link = h("button", { type: "button", class: "link", data: { act: channel } }, log.path || channel);
        link.addEventListener("click", () => openLog(program, channel));
        const limit = log.maxbytes ? ` of ${bytes(log.maxbytes)}, ${log.backups} older kept` : "";
        fact(channel, link, h("small", {}, `${bytes(log.size ?? 0)}${limit}`));
    }
    const start = detail.autostart ? "with the supervisor" : "only when asked to";
    const tries = many(detail.startretries + 1, "time");
    fact("Starts", `${start}; is running after ${duration(detail.startsecs)}, tried ${tries}`);
    fact("Restarts itself", restarts(detail));
    fact("Stops", `with ${list(detail.stopsignal)}, killed after ${duration(detail.stopwaitsecs)}`);
    fact("Priority", String(detail.priority));
    fact("umask", code(detail.umask));
    fact("Readiness", detail.notify ? "it says itself when it is ready" : list(detail.readiness));
    if (detail.watchdogsecs) fact("Watchdog", `has to be heard every ${duration(detail.watchdogsecs)}`);
    fact("Health", list(detail.health));
    fact("Depends on", list(detail.depends_on));
    const limits = Object.entries(detail.limits ?? {}).filter(([, value]) => value !== null);
    fact("Limits", ...limits.map(([name, value]) => h("span", { class: "tag" }, `${name} ${value}`)));
    const names = detail.environment ?? [];
    const tags = names.map((name) => h("span", { class: "tag" }, name));
    fact("Environment", ...(tags.length > 0 ? tags : ["as the daemon's own"]));
}

/**
 * @param {unknown} text
 * @returns {HTMLElement | null}
 */
function code(text) {
    return text === null || text === undefined || text === "" ? null : h("code", {}, String(text));
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function list(value) {
    if (value === null || value === undefined) return "";
    if (Array.isArray(value)) return value.map(list).join(", ");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * @param {Detail} detail
 * @returns {string}
 */
function restarts(detail) {
    const codes = (detail.exitcodes ?? []).join(", ");
    switch (String(detail.autorestart)) {
        case "true":
            return "always";
        case "false":
            return "never";
        default:
            return `unless it exits with ${codes || "an expected status"}`;
    }
}

/**
 * The last changes of its state, the newest first.
 *
 * @param {Program} program
 * @returns {HTMLElement}
 */
export function times(program) {
    const shown = h("ol", { class: "times" });
    for (const [time, state] of [...(program.told.history ?? [])].reverse()) {
        const when = h("time");
        attribute(when, "datetime", new Date(time * 1000).toISOString());
        say(when, moment(time));
        const dot = h("span", { class: "dot", data: { state } });
        shown.append(h("li", {}, dot, h("b", {}, state.toLowerCase()), when));
    }
    if (shown.childElementCount === 0) shown.append(h("li", {}, "No change since it was added."));
    return h("section", { class: "block" }, h("h3", {}, "Last changes"), shown);
}
