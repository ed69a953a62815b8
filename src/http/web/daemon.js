// What can be done with the daemon itself: reload, restart, shut down; and with other nodes'.
// @ts-check
import { ApiError, call, inWords } from "./api.js";
import { confirm, message, open, working } from "./dialogs.js";
import { h } from "./dom.js";
import { openMenu } from "./menu.js";
import { go } from "./route.js";
import * as store from "./store.js";
import { many } from "./words.js";

/** @import { Node } from "./store.js" */

/** @typedef {{ added: string[], changed: string[], removed: string[] }} Plan */

/** Reads the configuration, shows what would change, and does it when that is wanted. */
export async function reload() {
    /** @type {Plan} */
    let plan;
    try {
        plan = asPlan(await call("POST", "api/reloadConfig", {}));
    } catch (error) {
        cannot("The configuration cannot be reloaded", error, "Nothing was changed.");
        return;
    }
    if (isEmpty(plan)) {
        message("Nothing to reload", h("p", {}, "The configuration is what is running already."));
        return;
    }
    const apply = working("Apply", "Applying…", "primary", async () => {
        try {
            const done = asPlan(await call("POST", "api/update", {}));
            dialog.close();
            message("The configuration was applied", told(done, "done"));
        } catch (error) {
            dialog.close();
            cannot("The configuration could not be applied", error, "");
        }
    });
    apply.autofocus = true;
    const cancel = h("button", { value: "no" }, "Cancel");
    const dialog = open("Reload the configuration?", [told(plan, "plan")], [cancel, apply], "plan");
    apply.focus();
}

/**
 * @param {any} answer
 * @returns {Plan}
 */
function asPlan(answer) {
    const lists = Array.isArray(answer?.[0]?.[0]) || answer?.length === 1 ? answer[0] : answer;
    const [added = [], changed = [], removed = []] = lists ?? [];
    return { added, changed, removed };
}

/**
 * @param {Plan} plan
 * @returns {boolean}
 */
function isEmpty({ added, changed, removed }) {
    return added.length + changed.length + removed.length === 0;
}

/**
 * @param {Plan} plan
 * @param {"plan" | "done"} tense
 * @returns {HTMLElement}
 */
function told(plan, tense) {
    const will = tense === "plan";
    const rows = h("div", { class: "changes" });
    /** @type {[string, string, string[], (name: string) => string][]} */
    const kinds = [
        ["added", "+", plan.added, () => (will ? "new; it starts if autostart says so" : "added")],
        ["changed", "~", plan.changed, (name) => (will ? changing(name) : "changed")],
        ["removed", "−", plan.removed, (name) => (will ? leaving(name) : "removed")],
    ];
    for (const [kind, sign, names, what] of kinds) {
        if (names.length === 0) continue;
        const list = h("ul", {});
        for (const name of names) {
            const mark = h("span", { class: "sign", "aria-hidden": "true" }, sign);
            list.append(h("li", {}, mark, h("bdi", {}, name), h("small", {}, what(name))));
        }
        rows.append(h("section", { class: kind }, h("h3", {}, `${names.length} ${kind}`), list));
    }
    return rows;
}

/**
 * @param {string} group
 * @returns {string}
 */
function changing(group) {
    const count = running(group);
    return count > 0
        ? `of ${many(count, "running program")}, what has changed will restart`
        : "changes; none of it runs";
}

/**
 * @param {string} group
 * @returns {string}
 */
function leaving(group) {
    const count = running(group);
    return count > 0 ? `${many(count, "running program")} will be stopped` : "none of it runs";
}

/**
 * @param {string} group
 * @returns {number}
 */
function running(group) {
    const own = store.nodes.get(store.supervisor?.node ?? "");
    const programs = [...(own?.programs.values() ?? [])];
    return programs.filter(({ told: { group: of, pid } }) => of === group && pid > 0).length;
}

/**
 * @param {string} title
 * @param {unknown} error
 * @param {string} after
 */
function cannot(title, error, after) {
    const kind = error instanceof ApiError ? error.kind : "";
    const words = error instanceof ApiError && error.message ? error.message : inWords(error);
    message(
        title,
        h("p", {}, kind ? h("code", {}, kind) : "", after ? ` ${after}` : ""),
        h("pre", { class: "failure", role: "alert" }, words),
    );
}

/** Restarts the daemon, which stops and starts every program. */
export async function restart() {
    const count = store.all().filter(({ told: { pid } }) => pid > 0).length;
    const sure = await confirm({
        title: "Restart the supervisor?",
        text: `It stops everything (${many(count, "running program")}), reads its configuration and starts anew.`,
        action: "Restart",
        danger: true,
    });
    if (!sure) return;
    try {
        await call("POST", "api/restart", {});
    } catch (error) {
        cannot("The supervisor cannot be restarted", error, "");
    }
}

/** Stops every program and ends the daemon, once a person has typed the node's name. */
export async function shutdown() {
    const node = store.supervisor?.node ?? "";
    const sure = await confirm({
        title: "Shut the supervisor down?",
        text: "It stops every program and ends. This page will not be able to start it again.",
        action: "Shut down",
        danger: true,
        type: node,
    });
    if (!sure) return;
    try {
        await call("POST", "api/shutdown", {});
        message("The supervisor is shutting down", h("p", {}, "Every program is being stopped."));
    } catch (error) {
        cannot("The supervisor cannot be shut down", error, "");
    }
}

/**
 * The menu of a node's section.
 *
 * @param {HTMLElement} at
 * @param {Node} node
 */
export function remoteMenu(at, node) {
    const admin = store.may("administer") && !node.own && node.online;
    openMenu(at, node.name, [
        { label: "Main log", act: "mainlog", run: () => go("mainlog", node.own ? "" : node.name) },
        ...(admin
            ? [
                  null,
                  { label: "Reload", act: "reload", run: () => void remote(node, "reload") },
                  { label: "Restart…", act: "restart", danger: true, run: () => void remote(node, "restart") },
                  { label: "Shut down…", act: "shutdown", danger: true, run: () => void remote(node, "shutdown") },
              ]
            : []),
    ]);
}

/**
 * @param {Node} node
 * @param {"reload" | "restart" | "shutdown"} what
 */
async function remote(node, what) {
    const words = {
        reload: ["Reload the configuration of", "Programs whose settings changed restart.", "Reload"],
        restart: ["Restart the supervisor of", "It stops everything and starts anew.", "Restart"],
        shutdown: ["Shut down the supervisor of", "It stops every program and ends.", "Shut down"],
    };
    const [title = "", text = "", action = ""] = words[what];
    const sure = await confirm({
        title: `${title} ${node.name}?`,
        text,
        action,
        danger: what !== "reload",
        type: what === "shutdown" ? node.name : "",
    });
    if (!sure) return;
    try {
        await call("POST", `supervisor/${encodeURIComponent(node.name)}/${what}`, {});
        message(node.name, h("p", {}, `It answered: ${what === "reload" ? "reloaded" : "on its way"}.`));
    } catch (error) {
        cannot(`${node.name} did not do it`, error, "");
    }
}
