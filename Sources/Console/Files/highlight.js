// Light colouring of code: comments, strings, numbers, words of the language. No grammar, only tokens.

/** @typedef {"comment" | "string" | "number" | "keyword" | "key" | "name" | "plain"} TokenKind */
/** @typedef {{ kind: TokenKind, text: string }} Token */
/** @typedef {"lua" | "python" | "json" | "yaml" | "text"} Language */

/** Longer texts are shown plain: nobody edits them in a form. */
const CHARACTERS_MAX = 60_000;

/** @param {string} text */
function words(text) {
    return new Set(text.split(" "));
}

const luaWords = words("and break do else elseif end for function goto if in local not or repeat return then until while true false nil");
const luaNames = words("state nodes null array emit print");
const pythonWords = words("and as assert async await break class continue def del elif else except finally for from global if import in is "
    + "lambda nonlocal not or pass raise return try while with yield True False None match case");
const pythonNames = words("state self millrace");

/** @type {Record<Language, RegExp>} */
const patterns = {
    lua: /(?<comment>--\[(?<level>=*)\[[\s\S]*?(?:\]\k<level>\]|$)|--[^\n]*)|(?<string>\[\[[\s\S]*?(?:\]\]|$)|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?)|(?<number>\b0[xX][\da-fA-F]+|\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_]\w*)/g,
    python: /(?<comment>#[^\n]*)|(?<string>[rbfRBF]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?))|(?<number>\b0[xX][\da-fA-F]+|\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_]\w*)/g,
    json: /(?<key>"(?:[^"\\\n]|\\.)*"(?=\s*:))|(?<string>"(?:[^"\\\n]|\\.)*"?)|(?<number>-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<keyword>\b(?:true|false|null)\b)/g,
    yaml: /(?<comment>(?:^|(?<=\s))#[^\n]*)|(?<key>(?:^|(?<=[\s{,]))(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s#:{}[\],"'][^#:{}[\],\n"']*)(?=\s*:(?:\s|$)))|(?<string>"(?:[^"\\]|\\[\s\S])*"?|'(?:[^']|'')*'?)|(?<number>(?<=[\s[,])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?=[\s,\]}]|$))|(?<keyword>(?<=[\s[,])(?:true|false|null)(?=[\s,\]}]|$))/gm,
    text: /(?!)/g,
};

/**
 * @param {string} text
 * @param {Language} language
 * @returns {Token[]}
 */
export function tokens(text, language) {
    if (text.length > CHARACTERS_MAX) return [{ kind: "plain", text }];
    /** @type {Token[]} */
    const found = [];
    let end = 0;
    for (const match of text.matchAll(patterns[language])) {
        const kind = kindOf(match.groups ?? {}, language);
        if (kind === "plain" || match.index === undefined || match[0] === "") continue;
        if (match.index > end) found.push({ kind: "plain", text: text.slice(end, match.index) });
        found.push({ kind, text: match[0] });
        end = match.index + match[0].length;
    }
    if (end < text.length) found.push({ kind: "plain", text: text.slice(end) });
    return found;
}

/**
 * @param {{ [name: string]: string | undefined }} groups
 * @param {Language} language
 * @returns {TokenKind}
 */
function kindOf(groups, language) {
    for (const kind of /** @type {const} */ (["comment", "key", "string", "number", "keyword"])) {
        if (groups[kind] !== undefined) return kind;
    }
    const [reserved, names] = language === "python" ? [pythonWords, pythonNames] : [luaWords, luaNames];
    const word = groups.word ?? "";
    return reserved.has(word) ? "keyword" : names.has(word) ? "name" : "plain";
}
