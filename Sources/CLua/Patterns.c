// Lua's patterns (reference manual 5.4, section 6.4.1), counting their steps: a hostile pattern takes exponential time inside
// one call, where no instruction hook fires.

#define _GNU_SOURCE
#include <ctype.h>

#include "Engine.h"

/// Of one call of find, match or gsub, or one step of gmatch: about a tenth of a second.
enum { steps_max = 10 * 1000 * 1000 };
enum { captures_max = 32, nesting_max = 150 };
/// In place of the length of a capture.
enum { capture_open = -1, capture_position = -2 };

struct matcher {
    lua_State *L;
    const char *subject;
    const char *subject_end;
    const char *pattern_end;
    unsigned steps;
    int nesting;
    int captures;
    struct {
        const char *start;
        ptrdiff_t length;
    } capture[captures_max];
};

static void step(struct matcher *m) {
    if (++m->steps > steps_max) luaL_error(m->L, "the pattern takes more than %d steps", (int)steps_max);
    if (m->steps % 16384 == 0) spend(m->L, 16384);
}

static const char *match(struct matcher *m, const char *s, const char *p);

// Single characters

/// Where the single-character class that begins at `p` ends.
static const char *class_end(struct matcher *m, const char *p) {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing arguments)");
    if (*p == '%') {
        if (p + 1 == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 2;
    }
    if (*p++ != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    // A closing bracket that comes first stands for itself.
    do {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

static bool is_in_class(int c, int class) {
    bool is_in;
    switch (tolower(class)) {
    case 'a': is_in = isalpha(c); break;
    case 'c': is_in = iscntrl(c); break;
    case 'd': is_in = isdigit(c); break;
    case 'g': is_in = isgraph(c); break;
    case 'l': is_in = islower(c); break;
    case 'p': is_in = ispunct(c); break;
    case 's': is_in = isspace(c); break;
    case 'u': is_in = isupper(c); break;
    case 'w': is_in = isalnum(c); break;
    case 'x': is_in = isxdigit(c); break;
    default: return class == c;
    }
    return isupper(class) ? !is_in : is_in;
}

/// `p` is at the opening bracket, `last` at the closing one.
static bool is_in_set(int c, const char *p, const char *last) {
    bool is_negated = p[1] == '^';
    for (p += is_negated ? 2 : 1; p < last; p++) {
        if (*p == '%') {
            p++;
            if (is_in_class(c, (unsigned char)*p)) return !is_negated;
        } else if (p[1] == '-' && p + 2 < last) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return !is_negated;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return !is_negated;
        }
    }
    return is_negated;
}

static bool matches_one(struct matcher *m, const char *s, const char *p, const char *end) {
    step(m);
    if (s >= m->subject_end) return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.': return true;
    case '%': return is_in_class(c, (unsigned char)p[1]);
    // A long set costs more than one step.
    case '[': m->steps += (unsigned)(end - p) / 8; return is_in_set(c, p, end - 1);
    default: return (unsigned char)*p == c;
    }
}

// Items

static const char *match_greedy(struct matcher *m, const char *s, const char *p, const char *end) {
    ptrdiff_t count = 0;
    while (matches_one(m, s + count, p, end)) count++;
    for (; count >= 0; count--) {
        const char *rest = match(m, s + count, end + 1);
        if (rest) return rest;
    }
    return NULL;
}

static const char *match_lazy(struct matcher *m, const char *s, const char *p, const char *end) {
    for (;;) {
        const char *rest = match(m, s, end + 1);
        if (rest) return rest;
        if (!matches_one(m, s, p, end)) return NULL;
        s++;
    }
}

static const char *match_balanced(struct matcher *m, const char *s, const char *p) {
    if (m->pattern_end - p < 2) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != p[0]) return NULL;
    size_t depth = 1;
    for (s++; s < m->subject_end; s++) {
        step(m);
        if (*s == p[1]) {
            if (--depth == 0) return s + 1;
        } else if (*s == p[0]) {
            depth++;
        }
    }
    return NULL;
}

static bool is_at_frontier(struct matcher *m, const char *s, const char *set, const char *end) {
    int before = s == m->subject ? 0 : (unsigned char)s[-1];
    int here = s == m->subject_end ? 0 : (unsigned char)*s;
    return !is_in_set(before, set, end - 1) && is_in_set(here, set, end - 1);
}

static const char *open_capture(struct matcher *m, const char *s, const char *p, ptrdiff_t length) {
    if (m->captures >= captures_max) luaL_error(m->L, "too many captures");
    m->capture[m->captures].start = s;
    m->capture[m->captures].length = length;
    m->captures++;
    const char *rest = match(m, s, p);
    if (!rest) m->captures--;
    return rest;
}

static const char *close_capture(struct matcher *m, const char *s, const char *p) {
    int open = m->captures - 1;
    while (open >= 0 && m->capture[open].length != capture_open) open--;
    if (open < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[open].length = s - m->capture[open].start;
    const char *rest = match(m, s, p);
    if (!rest) m->capture[open].length = capture_open;
    return rest;
}

static const char *match_capture_again(struct matcher *m, const char *s, int digit) {
    int index = digit - '1';
    if (index < 0 || index >= m->captures || m->capture[index].length < 0)
        luaL_error(m->L, "invalid capture index %%%d", index + 1);
    size_t length = (size_t)m->capture[index].length;
    m->steps += (unsigned)(length / 16);
    step(m);
    if ((size_t)(m->subject_end - s) < length || memcmp(m->capture[index].start, s, length) != 0) return NULL;
    return s + length;
}

/// Items that match a fixed piece: moves both on. Returns false if `p` is not at one.
static bool match_special(struct matcher *m, const char **s, const char **p) {
    if (**p != '%' || *p + 1 == m->pattern_end) return false;
    char kind = (*p)[1];
    if (kind == 'b') {
        *s = match_balanced(m, *s, *p + 2);
        *p += 4;
    } else if (kind == 'f') {
        const char *set = *p + 2;
        if (set == m->pattern_end || *set != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
        const char *end = class_end(m, set);
        if (!is_at_frontier(m, *s, set, end)) *s = NULL;
        *p = end;
    } else if (isdigit((unsigned char)kind)) {
        *s = match_capture_again(m, *s, kind);
        *p += 2;
    } else {
        return false;
    }
    return true;
}

static const char *match_here(struct matcher *m, const char *s, const char *p) {
    while (p < m->pattern_end) {
        step(m);
        if (*p == '(') {
            bool is_position = p + 1 < m->pattern_end && p[1] == ')';
            return open_capture(m, s, p + (is_position ? 2 : 1), is_position ? capture_position : capture_open);
        }
        if (*p == ')') return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end) return s == m->subject_end ? s : NULL;
        if (match_special(m, &s, &p)) {
            if (!s) return NULL;
            continue;
        }
        const char *end = class_end(m, p);
        char repeat = end < m->pattern_end ? *end : 0;
        if (repeat == '*') return match_greedy(m, s, p, end);
        if (repeat == '-') return match_lazy(m, s, p, end);
        bool is_match = matches_one(m, s, p, end);
        if (repeat == '+') return is_match ? match_greedy(m, s + 1, p, end) : NULL;
        if (repeat == '?') {
            const char *rest = is_match ? match(m, s + 1, end + 1) : NULL;
            if (rest) return rest;
            p = end + 1;
            continue;
        }
        if (!is_match) return NULL;
        s++;
        p = end;
    }
    return s;
}

/// Matches the whole rest of the pattern at `s`; returns the end of the match, or NULL.
static const char *match(struct matcher *m, const char *s, const char *p) {
    if (++m->nesting > nesting_max) luaL_error(m->L, "pattern too complex");
    const char *rest = match_here(m, s, p);
    m->nesting--;
    return rest;
}

// Captures

static void push_capture(struct matcher *m, int index, const char *s, const char *end) {
    if (index >= m->captures) {
        if (index != 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
        lua_pushlstring(m->L, s, (size_t)(end - s));
    } else if (m->capture[index].length == capture_position) {
        lua_pushinteger(m->L, m->capture[index].start - m->subject + 1);
    } else if (m->capture[index].length == capture_open) {
        luaL_error(m->L, "unfinished capture");
    } else {
        lua_pushlstring(m->L, m->capture[index].start, (size_t)m->capture[index].length);
    }
}

/// The captures, or the whole match if there are none; without a match to show (`s` is NULL), the captures only.
static int push_captures(struct matcher *m, const char *s, const char *end) {
    int count = m->captures == 0 && s ? 1 : m->captures;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++) push_capture(m, i, s, end);
    return count;
}

// The functions

static size_t start_position(lua_Integer position, size_t length) {
    if (position > 0) return (size_t)position - 1;
    if (position == 0 || position < -(lua_Integer)length) return 0;
    return length - (size_t)-position;
}

static const char *match_from(struct matcher *m, const char **s, const char *pattern) {
    bool is_anchored = pattern < m->pattern_end && *pattern == '^';
    for (;; (*s)++) {
        m->captures = 0;
        m->nesting = 0;
        const char *end = match(m, *s, pattern + is_anchored);
        if (end || is_anchored || *s >= m->subject_end) return end;
        step(m);
    }
}

static int find_or_match(lua_State *L, bool is_find) {
    size_t subject_length, pattern_length;
    const char *subject = luaL_checklstring(L, 1, &subject_length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t start = start_position(luaL_optinteger(L, 3, 1), subject_length);
    if (start > subject_length) return lua_pushnil(L), 1;
    const char *s = subject + start;
    bool is_plain = lua_toboolean(L, 4) || (pattern_length < 64 && !strpbrk(pattern, "^$*+?.([%-")
                                            && strlen(pattern) == pattern_length);
    if (is_find && is_plain) {
        const char *found = memmem(s, subject_length - start, pattern, pattern_length);
        if (!found) return lua_pushnil(L), 1;
        lua_pushinteger(L, found - subject + 1);
        lua_pushinteger(L, found - subject + (lua_Integer)pattern_length);
        return 2;
    }
    struct matcher m = {.L = L, .subject = subject, .subject_end = subject + subject_length,
                        .pattern_end = pattern + pattern_length};
    const char *end = match_from(&m, &s, pattern);
    if (!end) return lua_pushnil(L), 1;
    if (!is_find) return push_captures(&m, s, end);
    lua_pushinteger(L, s - subject + 1);
    lua_pushinteger(L, end - subject);
    return push_captures(&m, NULL, NULL) + 2;
}

int find_string(lua_State *L) {
    return find_or_match(L, true);
}

int match_string(lua_State *L) {
    return find_or_match(L, false);
}

/// Upvalues: subject, pattern, where to go on, where the last match ended (an empty one is not taken there again).
static int gmatch_next(lua_State *L) {
    size_t subject_length, pattern_length;
    const char *subject = lua_tolstring(L, lua_upvalueindex(1), &subject_length);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
    const char *last_end = subject + lua_tointeger(L, lua_upvalueindex(4));
    struct matcher m = {.L = L, .subject = subject, .subject_end = subject + subject_length,
                        .pattern_end = pattern + pattern_length};
    for (const char *s = subject + lua_tointeger(L, lua_upvalueindex(3)); s <= m.subject_end; s++) {
        m.captures = 0;
        m.nesting = 0;
        const char *end = match(&m, s, pattern);
        if (!end || end == last_end) continue;
        lua_pushinteger(L, end - subject);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&m, s, end);
    }
    lua_pushinteger(L, (lua_Integer)subject_length + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}

int gmatch_string(lua_State *L) {
    size_t length;
    luaL_checklstring(L, 1, &length);
    luaL_checkstring(L, 2);
    size_t start = start_position(luaL_optinteger(L, 3, 1), length);
    if (start > length) start = length + 1;
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)start);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

static void add_template(struct matcher *m, luaL_Buffer *text, const char *s, const char *end) {
    size_t length;
    const char *template = lua_tolstring(m->L, 3, &length);
    const char *last = template + length;
    while (template < last) {
        const char *percent = memchr(template, '%', (size_t)(last - template));
        luaL_addlstring(text, template, (size_t)((percent ? percent : last) - template));
        if (!percent) return;
        char kind = percent + 1 < last ? percent[1] : 0;
        if (kind == '%') {
            luaL_addchar(text, '%');
        } else if (kind == '0') {
            luaL_addlstring(text, s, (size_t)(end - s));
        } else if (isdigit((unsigned char)kind)) {
            push_capture(m, kind - '1', s, end);
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(text);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
        template = percent + 2;
    }
}

/// Appends what stands in for the match. Returns whether the match was replaced by something else.
static bool add_replacement(struct matcher *m, luaL_Buffer *text, const char *s, const char *end) {
    lua_State *L = m->L;
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, end), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, s, end);
        lua_gettable(L, 3);
        break;
    default: add_template(m, text, s, end); return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(text, s, (size_t)(end - s));
        return false;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(text);
    return true;
}

int gsub_string(lua_State *L) {
    size_t subject_length, pattern_length;
    const char *s = luaL_checklstring(L, 1, &subject_length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    int kind = lua_type(L, 3);
    luaL_argexpected(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE, 3,
                     "string/function/table");
    lua_Integer count_max = luaL_optinteger(L, 4, (lua_Integer)subject_length + 1);
    if (kind == LUA_TNUMBER) lua_tostring(L, 3);
    struct matcher m = {.L = L, .subject = s, .subject_end = s + subject_length, .pattern_end = pattern + pattern_length};
    bool is_anchored = pattern_length > 0 && *pattern == '^';
    const char *last_end = NULL;
    lua_Integer count = 0;
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    while (count < count_max) {
        m.captures = 0;
        m.nesting = 0;
        const char *end = match(&m, s, pattern + is_anchored);
        if (end && end != last_end) {
            count++;
            add_replacement(&m, &text, s, end);
            s = last_end = end;
        } else if (s < m.subject_end) {
            luaL_addchar(&text, *s++);
        } else {
            break;
        }
        if (is_anchored) break;
    }
    luaL_addlstring(&text, s, (size_t)(m.subject_end - s));
    luaL_pushresult(&text);
    lua_pushinteger(L, count);
    return 2;
}
