import assert from "node:assert/strict";
import { test } from "node:test";

import { tokens } from "../../Sources/Console/Files/highlight.js";
import { textOf } from "../../Sources/Console/Files/json-tree.js";
import { defaultConfig, sample } from "../../Sources/Console/Files/node-defaults.js";
import { branchTitle, codeLanguage, fits, label, variantIndex, variantsOf } from "../../Sources/Console/Files/schema.js";

const lua = {
    type: "object", properties: { code: { type: "string", title: "Code" }, expression: { type: "string" }, key: { type: "string", title: "Key" } },
    oneOf: [{ required: ["code"] }, { title: "expression and key", required: ["expression", "key"] }],
};

test("members that exclude each other are variants", () => {
    const variants = variantsOf(lua);
    assert.deepEqual(variants, [{ title: "Code", members: ["code"] }, { title: "expression and key", members: ["expression", "key"] }]);
    assert.equal(variantIndex(variants, { expression: "1" }), 1);
    assert.equal(variantIndex(variants, {}), 0);
    assert.equal(variantsOf({ properties: {}, oneOf: [{ type: "string" }, { type: "number" }] }), null);
});

test("a value finds its branch", () => {
    assert.ok(fits({ type: "string" }, "x") && !fits({ type: "string" }, 1));
    assert.ok(fits({ type: "integer" }, 1) && fits({ const: "none" }, "none") && !fits({ enum: ["a"] }, "b"));
    const typed = { properties: { type: { const: "bearer" } }, required: ["type"] };
    assert.ok(fits(typed, { type: "bearer" }) && !fits(typed, { type: "basic" }) && !fits(typed, {}));
    assert.equal(branchTitle(typed, 0), "bearer");
    assert.equal(branchTitle({ type: ["string", "null"] }, 0), "string or null");
});

test("the smallest value of a schema", () => {
    assert.deepEqual(sample({ type: "object", properties: { a: { type: "integer", minimum: 3 }, b: { type: "string" } }, required: ["a"] }), { a: 3 });
    assert.deepEqual(sample({ type: "array", items: { enum: ["x"] }, minItems: 2 }), ["x", "x"]);
    assert.deepEqual(sample(lua), { code: "" });
    assert.equal(sample({ oneOf: [{ type: "boolean" }, { type: "null" }] }), false);
});

test("a kind's own example is taken before ours, and ours before the schema's", () => {
    const kind = { name: "delay", title: "", description: "", runs_code: false, config_schema: { properties: {} } };
    assert.equal(textOf(defaultConfig(kind)), '{"duration_ms":1000}');
    assert.equal(textOf(defaultConfig({ ...kind, example_config: { duration_ms: 5 } })), '{"duration_ms":5}');
    assert.equal(textOf(defaultConfig({ ...kind, name: "new" })), "{}");
});

test("code is known by its member, and labels read well", () => {
    assert.equal(codeLanguage("python", "code", {}), "python");
    assert.equal(codeLanguage("repeat", "while", {}), "lua");
    assert.equal(codeLanguage("python", "file", {}), null);
    assert.equal(label("duration_ms"), "Duration (ms)");
    assert.equal(label("x", { title: "The X" }), "The X");
});

for (const [language, text, wanted] of [
    ["lua", "-- hi\nlocal x = state.n + 1.5 -- [[no]]", ["comment:-- hi", "keyword:local", "name:state", "number:1.5", "comment:-- [[no]]"]],
    ["lua", "--[[ a\nb ]] return 'x\\'y'", ["comment:--[[ a\nb ]]", "keyword:return", "string:'x\\'y'"]],
    ["python", 'async def f(s): # c\n    """d\ne"""\n    return f"x"', [
        "keyword:async", "keyword:def", "comment:# c", 'string:"""d\ne"""', "keyword:return", 'string:f"x"']],
    ["json", '{"a": [1.0, "b", null]}', ['key:"a"', "number:1.0", 'string:"b"', "keyword:null"]],
    ["yaml", "# c\nid: g # d\nnodes:\n  - { id: a, n: 1.0, s: \"x: y\" }", [
        "comment:# c", "key:id", "comment:# d", "key:nodes", "key:id", "key:n", "number:1.0", "key:s", 'string:"x: y"']],
]) {
    test(`${language} is coloured: ${JSON.stringify(text)}`, () => {
        const found = tokens(text, language);
        assert.equal(found.map((token) => token.text).join(""), text);
        assert.deepEqual(found.filter(({ kind }) => kind !== "plain").map((token) => `${token.kind}:${token.text}`), wanted);
    });
}

test("colouring takes no time that grows faster than the text", () => {
    for (const language of ["lua", "python", "json", "yaml"]) {
        for (const piece of ['"', "'", "[[", "--[[", "a:", "# ", "0x", '"""', "\\"]) {
            const text = piece.repeat(20_000);
            assert.equal(tokens(text, language).map((token) => token.text).join(""), text);
        }
    }
});
