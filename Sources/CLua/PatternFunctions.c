// string.find, match, gmatch and gsub (reference manual 5.4, section 6.4).

#define _GNU_SOURCE
#include <ctype.h>

#include "Patterns.h"

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
        steps(m, 1);
    }
}

/// Up to here the C library's search is quick to prepare, so that it can go by pieces.
static const size_t short_needle_bytes = 4096;
static const size_t searched_piece_bytes = 64 * 1024;

/// Rabin and Karp's search: its steps are counted, and it needs no table.
static const char *find_long(lua_State *L, const char *bytes, size_t count, const char *needle, size_t needle_count) {
    const uint64_t base = 0x9E3779B97F4A7C15;
    uint64_t wanted = 0, found = 0, highest = 1;
    for (size_t i = 0; i < needle_count; i++) {
        if (i % 64 == 0) spend(L, 4);
        wanted = wanted * base + (unsigned char)needle[i];
        found = found * base + (unsigned char)bytes[i];
        if (i > 0) highest *= base;
    }
    for (size_t at = 0;; at++) {
        if (at % 64 == 0) spend(L, 4);
        if (found == wanted) {
            spend_bytes(L, needle_count);
            if (memcmp(bytes + at, needle, needle_count) == 0) return bytes + at;
        }
        if (at + needle_count >= count) return NULL;
        found = (found - (unsigned char)bytes[at] * highest) * base + (unsigned char)bytes[at + needle_count];
    }
}

static const char *find_bytes(lua_State *L, const char *bytes, size_t count, const char *needle, size_t needle_count) {
    if (needle_count > count) return NULL;
    if (needle_count > short_needle_bytes) return find_long(L, bytes, count, needle, needle_count);
    for (size_t start = 0;; start += searched_piece_bytes) {
        size_t left = count - start, piece = searched_piece_bytes + needle_count;
        bool is_last = left <= piece;
        spend_bytes(L, 8 * (is_last ? left : piece));
        const char *found = memmem(bytes + start, is_last ? left : piece, needle, needle_count);
        if (found || is_last) return found;
    }
}

static int find_or_match(lua_State *L, bool is_find) {
    size_t subject_length, pattern_length;
    const char *subject = luaL_checklstring(L, 1, &subject_length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t start = start_position(luaL_optinteger(L, 3, 1), subject_length);
    if (start > subject_length) return lua_pushnil(L), 1;
    const char *s = subject + start;
    bool is_plain = is_true(L, 4) || (pattern_length < 64 && !strpbrk(pattern, "^$*+?.([%-")
                                            && strlen(pattern) == pattern_length);
    if (is_find && is_plain) {
        const char *found = find_bytes(L, s, subject_length - start, pattern, pattern_length);
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
        steps(&m, 1);
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
        steps(m, 8);
        const char *percent = memchr(template, '%', (size_t)(last - template));
        spend_bytes(m->L, (size_t)((percent ? percent : last) - template));
        luaL_addlstring(text, template, (size_t)((percent ? percent : last) - template));
        if (!percent) return;
        char kind = percent + 1 < last ? percent[1] : 0;
        if (kind == '%') {
            luaL_addchar(text, '%');
        } else if (kind == '0') {
            spend_bytes(m->L, (size_t)(end - s));
            luaL_addlstring(text, s, (size_t)(end - s));
        } else if (isdigit((unsigned char)kind)) {
            size_t count;
            push_capture(m, kind - '1', s, end);
            luaL_tolstring(m->L, -1, &count);
            spend_bytes(m->L, count + 256);
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
        check_stack(L);
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, end), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, s, end);
        lua_gettable(L, 3);
        break;
    default: add_template(m, text, s, end); return true;
    }
    if (!is_true(L, -1)) {
        lua_pop(L, 1);
        spend_bytes(L, (size_t)(end - s));
        luaL_addlstring(text, s, (size_t)(end - s));
        return false;
    }
    if (is_written_number(L, -1)) push_shown(L, -1);
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    size_t count;
    lua_tolstring(L, -1, &count);
    spend_bytes(L, count);
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
        steps(&m, 1);
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
