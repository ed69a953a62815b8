// What changes, said to who cannot see it.
// @ts-check
import { byId, say } from "./dom.js";
import { onLife } from "./events.js";
import * as store from "./store.js";
import { FINE, inWords } from "./words.js";

/** So many changes are told one by one; of more at a time, only how many. */
const CHANGES_MAX = 3;

/** Changes are gathered for this long, in milliseconds, before they are told. */
const GATHER_MILLISECONDS = 700;

const region = byId("announcements");

/** @type {Map<string, string>} */
let changes = new Map();
let timer = 0;

/** Begins to tell. */
export function begin() {
    store.on("program", (program, from) => {
        // Which ways lead where they should is no news to be interrupted by.
        const steps = ["STARTING", "STOPPING"].includes(program.told.statename);
        if (from === null || from === program.told.statename || (steps && program.rank === FINE)) return;
        changes.set(program.key, `${program.id}: ${inWords(program.told)}`);
        timer ||= window.setTimeout(tell, GATHER_MILLISECONDS);
    });
    let last = "";
    onLife((life) => {
        if (life === last) return;
        if (life === "lost") say(region, "The connection to the daemon is lost. What is shown is old.");
        if (life === "live" && last === "lost") say(region, "Connected again.");
        last = life;
    });
}

function tell() {
    timer = 0;
    const words = [...changes.values()];
    changes = new Map();
    say(region, words.length <= CHANGES_MAX ? words.join(". ") : `${words.length} programs changed their state`);
}
