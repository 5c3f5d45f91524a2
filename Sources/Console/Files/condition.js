// Conditions of edges: Lua as text, or a callable in a Python file.

/**
 * What a condition says: Lua as it is, and where one in Python is found. Empty: the edge is always taken.
 * @param {unknown} when
 * @returns {string}
 */
export function conditionText(when) {
    if (typeof when === "string") return when;
    const path = typeof when === "object" && when !== null ? Reflect.get(when, "python") : "";
    return typeof path === "string" && path !== "" ? `python: ${path}` : "";
}
