// Values of the last ten minutes, and small plots of them.
// @ts-check

/** How far a plot reaches back, in seconds. */
export const SPAN_SECONDS = 600;

/** How many samples are kept: ten minutes of one every five seconds. Older ones are dropped. */
const SAMPLES_MAX = 121;

/** Samples of two values over time, in a ring that never grows. */
export class Series {
    constructor() {
        this.data = new Float64Array(0);
        this.length = 0;
        this.first = 0;
    }

    /**
     * @param {number} time
     * @param {number} a
     * @param {number} b
     */
    push(time, a, b) {
        if (this.data.length === 0) this.data = new Float64Array(SAMPLES_MAX * 3);
        const at = ((this.first + this.length) % SAMPLES_MAX) * 3;
        this.data[at] = time;
        this.data[at + 1] = a;
        this.data[at + 2] = b;
        if (this.length < SAMPLES_MAX) this.length += 1;
        else this.first = (this.first + 1) % SAMPLES_MAX;
    }

    clear() {
        this.length = 0;
        this.first = 0;
    }

    /**
     * One of a sample's numbers: its time (0), or one of its values (1, 2).
     *
     * @param {number} index
     * @param {0 | 1 | 2} member
     * @returns {number}
     */
    at(index, member) {
        return this.data[((this.first + index) % SAMPLES_MAX) * 3 + member] ?? 0;
    }

    /**
     * @param {1 | 2} member
     * @returns {number}
     */
    max(member) {
        let max = 0;
        for (let index = 0; index < this.length; index += 1) {
            max = Math.max(max, this.at(index, member));
        }
        return max;
    }
}

/** Fewer samples than this are no plot yet. */
const SAMPLES_LEAST = 6;

/** A gap in time longer than this is a gap in the line, in seconds. */
const GAP_SECONDS = 20;

const SVG = "http://www.w3.org/2000/svg";

/**
 * An empty plot: an area below a line.
 *
 * @param {string} kind
 * @returns {SVGSVGElement}
 */
export function plot(kind) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", `plot ${kind}`);
    svg.setAttribute("viewBox", "0 0 100 20");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const name of ["area", "line"]) {
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("class", name);
        svg.append(path);
    }
    return svg;
}

/**
 * Draws one of the values. The scale begins at zero and ends at the largest, `least` at least.
 *
 * @param {SVGSVGElement} svg
 * @param {Series} series
 * @param {1 | 2} member
 * @param {number} end
 * @param {number} least
 */
export function draw(svg, series, member, end, least) {
    const top = Math.max(least, series.max(member) * 1.1);
    let line = "";
    let area = "";
    if (series.length < SAMPLES_LEAST) {
        for (const path of svg.children) path.removeAttribute("d");
        return;
    }
    let begun = 0;
    let last = 0;
    let x = 0;
    for (let index = 0; index < series.length; index += 1) {
        const time = series.at(index, 0);
        if (time < end - SPAN_SECONDS) continue;
        x = round(100 - ((end - time) / SPAN_SECONDS) * 100);
        const y = round(19.5 - (series.at(index, member) / top) * 19);
        if (begun === 0 || time - last > GAP_SECONDS) {
            if (begun > 0) area += `V20Z`;
            line += `M${x} ${y}`;
            area += `M${x} 20V${y}`;
        } else {
            line += `L${x} ${y}`;
            area += `L${x} ${y}`;
        }
        begun += 1;
        last = time;
    }
    if (begun > 0) area += "V20Z";
    svg.children[0]?.setAttribute("d", area);
    svg.children[1]?.setAttribute("d", line);
}

/**
 * @param {number} value
 * @returns {number}
 */
function round(value) {
    return Math.round(value * 10) / 10;
}
