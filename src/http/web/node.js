// The heading of a node's section, where there are several.
// @ts-check
import { remoteMenu } from "./daemon.js";
import { attribute, h, say, show } from "./dom.js";
import * as store from "./store.js";
import { bytes, count, percent, STATES } from "./words.js";

/** @import { Node } from "./store.js" */

export class NodeHead {
    /**
     * @param {Node} node
     */
    constructor(node) {
        this.node = node;
        this.status = h("span", { class: "status" });
        this.usage = h("span", { class: "usage" });
        this.error = h("p", { class: "why" });
        this.more = h(
            "button",
            {
                type: "button",
                class: "more",
                "aria-haspopup": "menu",
                "aria-label": `more for node ${node.name}`,
            },
            "⋯",
        );
        this.more.addEventListener("click", () => remoteMenu(this.more, node));
        const title = h("h2", {}, h("bdi", {}, node.name));
        const line = h("div", { class: "line" }, title, this.status, this.usage, this.more);
        this.element = h("header", { class: "node-head" }, line, this.error);
    }

    /**
     * @param {boolean} several
     */
    update(several) {
        const { node } = this;
        show(this.element, several);
        attribute(this.element, "data-status", node.online ? "online" : "offline");
        say(this.status, node.online ? this.summary() : "offline");
        const { cpu_percent: cpu, mem_used: used, mem_total: total } = node.usage;
        const memory = total ? ` · memory ${bytes(used ?? 0)} of ${bytes(total)}` : "";
        say(this.usage, node.online && cpu !== undefined ? `CPU ${percent(cpu)}${memory}` : "");
        const rest = node.programs.size > 0 ? " What is shown is what was known of it last." : "";
        show(this.error, !node.online);
        say(this.error, node.online ? "" : `It does not answer: ${node.error || "no reason told"}.${rest}`);
        show(this.more, store.supervisor !== null);
    }

    /** @returns {string} */
    summary() {
        /** @type {Map<string, number>} */
        const found = new Map();
        for (const { told } of this.node.programs.values()) {
            found.set(told.statename, (found.get(told.statename) ?? 0) + 1);
        }
        if (found.size === 0) return "no programs";
        return STATES.filter((state) => found.has(state))
            .map((state) => `${count(found.get(state) ?? 0)} ${state.toLowerCase()}`)
            .join(" · ");
    }
}
