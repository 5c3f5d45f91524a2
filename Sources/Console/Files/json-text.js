// JSON as text. Values are shown as they were written: a parsed number loses digits beyond 2^53, and a parsed object
// moves keys that look like numbers to the front. So what is shown or sent on is cut out of the text.

const ESCAPED = 0x5c, QUOTE = 0x22;

/**
 * Where the string that begins at `start` ends: the index behind its closing quote.
 * @param {string} text
 * @param {number} start
 */
function endOfString(text, start) {
    let index = start + 1;
    while (index < text.length && text.charCodeAt(index) !== QUOTE) {
        index += text.charCodeAt(index) === ESCAPED ? 2 : 1;
    }
    return index + 1;
}

/** @param {string} text @param {number} index */
function skipSpace(text, index) {
    while (index < text.length && " \t\n\r".includes(text[index])) index += 1;
    return index;
}

/**
 * Where the value that begins at `start` ends.
 * @param {string} text
 * @param {number} start
 */
function endOfValue(text, start) {
    let depth = 0;
    let index = start;
    while (index < text.length) {
        const character = text[index];
        if (character === '"') {
            index = endOfString(text, index);
            if (depth === 0) return index;
            continue;
        }
        if (character === "{" || character === "[") depth += 1;
        if (character === "}" || character === "]") {
            depth -= 1;
            if (depth === 0) return index + 1;
            if (depth < 0) return index;
        }
        if (depth === 0 && (character === "," || " \t\n\r".includes(character))) return index;
        index += 1;
    }
    return index;
}

/**
 * The text of an object's member, or undefined.
 * @param {string} text Valid JSON.
 * @param {string} key
 * @returns {string | undefined}
 */
export function memberText(text, key) {
    let index = skipSpace(text, 0);
    if (text[index] !== "{") return undefined;
    index = skipSpace(text, index + 1);
    while (index < text.length && text[index] === '"') {
        const endOfKey = endOfString(text, index);
        const name = JSON.parse(text.slice(index, endOfKey));
        const start = skipSpace(text, skipSpace(text, endOfKey) + 1);
        const end = endOfValue(text, start);
        if (name === key) return text.slice(start, end);
        index = skipSpace(text, end);
        if (text[index] !== ",") return undefined;
        index = skipSpace(text, index + 1);
    }
    return undefined;
}

/**
 * The same JSON, indented for people. Empty objects and arrays stay on one line.
 * @param {string} text Valid JSON.
 */
export function indented(text) {
    let output = "";
    let depth = 0;
    let index = 0;
    const newLine = () => "\n" + "  ".repeat(depth);
    while (index < text.length) {
        const character = text[index];
        if (character === '"') {
            const end = endOfString(text, index);
            output += text.slice(index, end);
            index = end;
            continue;
        }
        if (character === "{" || character === "[") {
            const next = skipSpace(text, index + 1);
            if (text[next] === "}" || text[next] === "]") {
                output += character + text[next];
                index = next;
            } else {
                depth += 1;
                output += character + newLine();
            }
        } else if (character === "}" || character === "]") {
            depth -= 1;
            output += newLine() + character;
        } else if (character === ",") {
            output += "," + newLine();
        } else if (character === ":") {
            output += ": ";
        } else if (!" \t\n\r".includes(character)) {
            output += character;
        }
        index += 1;
    }
    return output;
}

/**
 * What is wrong with a text that should be a JSON object; null if nothing is.
 * @param {string} text
 * @returns {string | null}
 */
export function objectFault(text) {
    let value;
    try {
        value = JSON.parse(text);
    } catch (error) {
        return text.trim() === "" ? "Write a JSON object, such as {}." : `This is no JSON: ${place(text, String(error))}.`;
    }
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? null : "The state must be a JSON object: { … }.";
}

/**
 * The parser's message, with line and column in place of an offset.
 * @param {string} text
 * @param {string} message
 */
function place(text, message) {
    const plain = message.replace(/^SyntaxError: /, "").replace(/ in JSON at position.*| \(line.*|, .* is not valid JSON$/s, "");
    const offset = /position (\d+)/.exec(message)?.[1];
    if (offset === undefined) return plain.replace(/\.$/, "");
    const before = text.slice(0, Number(offset)).split("\n");
    return `${plain}, line ${before.length}, column ${before[before.length - 1].length + 1}`;
}
