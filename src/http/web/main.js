// Where the page begins.
// @ts-check
import * as announce from "./announce.js";
import { act } from "./actions.js";
import { reload, restart, shutdown } from "./daemon.js";
import { help } from "./dialogs.js";
import { byId, recall, remember } from "./dom.js";
import { listen } from "./events.js";
import * as keys from "./keys.js";
import * as list from "./list.js";
import * as log from "./log.js";
import { openMenu } from "./menu.js";
import * as panel from "./panel.js";
import { openLog, programMenu } from "./programmenu.js";
import { begin as route, go, onRoute } from "./route.js";
import { rowOf } from "./row.js";
import * as selection from "./select.js";
import * as store from "./store.js";
import * as top from "./top.js";

/** @import { Action } from "./actions.js" */

list.begin();
top.begin();
selection.begin();
panel.begin();
log.begin();
keys.begin();
announce.begin();

byId("programs").addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const row = rowOf(target);
    if (!row) return;
    const button = target.closest("button");
    const what = button?.dataset.act;
    if (what === "more") programMenu(/** @type {HTMLElement} */ (button), row.program);
    else if (what === "log") openLog(row.program, "stdout");
    else if (what) void act(row.program, /** @type {Action} */ (what));
    else if (!target.closest("a, button, label, input, .note") && getSelection()?.isCollapsed !== false) {
        go("p", row.program.id, store.nodes.get(row.program.node)?.own ? "" : row.program.node);
    }
});

// Links within the page lead on without loading anything, and back as far as one came.
document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href^='#']:not(.skip)") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(...(link.getAttribute("href") ?? "#").slice(1).split("/").map(decodeURIComponent));
});

const menuButton = byId("menu");
menuButton.addEventListener("click", () => {
    const admin = store.may("administer");
    const theme = recall("theme") ?? "system";
    const themes = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]];
    openMenu(menuButton, "Supervisor", [
        ...(admin ? [{ label: "Reload…", hint: "shows what would change first", act: "reload", run: () => void reload() }] : []),
        { label: "Main log", act: "mainlog", run: () => go("mainlog") },
        null,
        ...themes.map(([name = "", label = ""]) => ({
            label,
            act: `theme-${name}`,
            checked: theme === name,
            run: () => choose(name),
        })),
        null,
        { label: "Help", hint: "keys and what the shapes mean", act: "help", run: help },
        ...(admin
            ? [
                  null,
                  { label: "Restart…", danger: true, act: "restart", run: () => void restart() },
                  { label: "Shut down…", danger: true, act: "shutdown", run: () => void shutdown() },
              ]
            : []),
    ]);
});

/**
 * @param {string} theme
 */
function choose(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    remember("theme", theme === "system" ? null : theme);
}

byId("reload-page").addEventListener("click", () => location.reload());

onRoute((now) => {
    panel.showPanel(now.view === "panel" ? { id: now.id, node: now.node } : null);
    log.showLog(now);
});
route();
listen();
