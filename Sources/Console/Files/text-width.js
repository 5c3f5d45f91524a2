// How wide a text is, and as much of it as fits. SVG has no ellipsis.

const ruler = document.createElement("canvas").getContext("2d");
/** @type {Map<string, string>} */
const known = new Map();
const KNOWN_MAX = 5_000;

/**
 * @param {string} text
 * @param {string} font As in CSS.
 */
function widthOf(text, font) {
    if (!ruler) return 0;
    if (ruler.font !== font) ruler.font = font;
    return ruler.measureText(text).width;
}

/**
 * As much of a text as fits.
 * @param {string} text
 * @param {string} font
 * @param {number} width
 */
export function fittedText(text, font, width) {
    const key = `${font} ${width} ${text}`;
    let fitting = known.get(key);
    if (fitting === undefined) {
        if (known.size >= KNOWN_MAX) known.clear();
        known.set(key, (fitting = fit(text, font, width)));
    }
    return fitting;
}

/** @param {string} text @param {string} font @param {number} width */
function fit(text, font, width) {
    if (widthOf(text, font) <= width) return text;
    let low = 0, high = text.length;
    while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (widthOf(`${text.slice(0, middle)}…`, font) <= width) low = middle;
        else high = middle - 1;
    }
    return `${text.slice(0, low).trimEnd()}…`;
}
