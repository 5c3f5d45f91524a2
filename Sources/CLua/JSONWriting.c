// Lua to JSON. Tables with the keys 1..n are arrays, tables with string keys are objects with sorted keys, empty tables are
// objects unless marked by `array()`. Whatever has no place in JSON is refused, with the path to it.

#include <math.h>
#include <stdio.h>

#include "Engine.h"

/// A path that is longer belongs to a table that contains itself, or is of no help either way.
enum { path_steps_shown = 12 };

struct writer {
    lua_State *L;
    mr_lua *lua;
    buffer *buffer;
    size_t bytes_max;
    const char *root;
    int depth;
};

/// Raises `<root>.a.b[3] <problem>`.
static void refuse(struct writer *writer, const char *problem) {
    lua_State *L = writer->L;
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, writer->root);
    int shown = writer->depth < path_steps_shown ? writer->depth : path_steps_shown;
    for (int i = 0; i < shown; i++) {
        const path_step *step = &writer->lua->path[i];
        if (step->key) {
            luaL_addchar(&text, '.');
            luaL_addlstring(&text, step->key, step->key_length > 64 ? 64 : step->key_length);
        } else {
            char index[32];
            luaL_addlstring(&text, index, (size_t)snprintf(index, sizeof index, "[%lld]", (long long)step->index));
        }
    }
    luaL_addstring(&text, shown < writer->depth ? "... " : " ");
    luaL_addstring(&text, problem);
    luaL_pushresult(&text);
    lua_error(L);
}

static void append(struct writer *writer, const char *bytes, size_t count) {
    if (writer->buffer->count + count > writer->bytes_max) {
        char problem[64];
        snprintf(problem, sizeof problem, "makes the JSON longer than %zu bytes", writer->bytes_max);
        refuse(writer, problem);
    }
    if (!buffer_append_granted(writer->lua, writer->buffer, bytes, count)) luaL_error(writer->L, "ran out of memory");
}

/// The length of the UTF-8 sequence at `at` (RFC 3629), 0 if it is none.
static int sequence_length(const unsigned char *at, size_t left) {
    unsigned char lead = at[0];
    int length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || (size_t)length > left) return 0;
    for (int i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    if (lead == 0xE0 && at[1] < 0xA0) return 0;
    if (lead == 0xED && at[1] > 0x9F) return 0;
    if (lead == 0xF0 && at[1] < 0x90) return 0;
    if (lead == 0xF4 && at[1] > 0x8F) return 0;
    return length;
}

static void append_escape(struct writer *writer, unsigned unit) {
    char escape[8];
    const char *shorts = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (int i = 0; i < 14; i += 2) {
        if (unit != (unsigned char)shorts[i]) continue;
        escape[0] = '\\';
        escape[1] = shorts[i + 1];
        append(writer, escape, 2);
        return;
    }
    append(writer, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", unit));
}

static void append_escaped(struct writer *writer, const char *text, size_t count, bool replaces) {
    const unsigned char *bytes = (const unsigned char *)text;
    size_t start = 0, at = 0;
    size_t counted = 0;
    while (at < count) {
        unsigned char byte = bytes[at];
        if (at - counted >= 16 * 1024) {
            spend_bytes(writer->L, 16 * (at - counted));
            counted = at;
        }
        if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
            at++;
            continue;
        }
        int length = sequence_length(bytes + at, count - at);
        if (length > 1) {
            at += (size_t)length;
            continue;
        }
        append(writer, text + start, at - start);
        if (length == 0) {
            if (!replaces) refuse(writer, "is no valid UTF-8");
            append(writer, "\xEF\xBF\xBD", 3);
            length = 1;
        } else {
            append_escape(writer, byte);
        }
        at += (size_t)length;
        start = at;
    }
    append(writer, text + start, at - start);
}

static void write_string(struct writer *writer, const char *text, size_t count) {
    append(writer, "\"", 1);
    append_escaped(writer, text, count, false);
    append(writer, "\"", 1);
}

int write_double(char text[32], double number) {
    // 15 digits survive the way to a double and back, so most texts are found at once; tiny numbers have fewer.
    int digits = fabs(number) < 1e-300 ? 1 : 15;
    int length = 0;
    for (; digits <= 17; digits++) {
        length = snprintf(text, 32, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    if (strcspn(text, ".e") == (size_t)length) length += snprintf(text + length, (size_t)(32 - length), ".0");
    return length;
}

/// `table` holds it under `key` (0: none does).
static void write_number(struct writer *writer, int index, int table, int key) {
    lua_State *L = writer->L;
    char text[32];
    if (lua_isinteger(L, index)) {
        int length = snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, index));
        append(writer, text, (size_t)length);
        return;
    }
    size_t length;
    const char *written = find_written(L, index, table, key, &length);
    if (written) {
        append(writer, written, length);
        return;
    }
    double number = lua_tonumber(L, index);
    if (!isfinite(number)) refuse(writer, isnan(number) ? "is NaN, which JSON does not have" : "is infinite");
    append(writer, text, (size_t)write_double(text, number));
}

static void write_value(struct writer *writer, int index, int table, int key);

static void write_array(struct writer *writer, int table, lua_Integer count) {
    lua_State *L = writer->L;
    append(writer, "[", 1);
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1) append(writer, ",", 1);
        writer->lua->path[writer->depth++] = (path_step){.index = i};
        lua_pushinteger(L, i);
        lua_rawgeti(L, table, i);
        write_value(writer, lua_gettop(L), table, lua_gettop(L) - 1);
        lua_pop(L, 2);
        writer->depth--;
    }
    append(writer, "]", 1);
}

struct key {
    const char *text;
    size_t length;
};

static int order_keys(lua_State *L, const void *left, const void *right) {
    const struct key *a = left, *b = right;
    return order_texts(L, a->text, a->length, b->text, b->length);
}

static void write_object(struct writer *writer, int table, size_t count) {
    lua_State *L = writer->L;
    struct key *keys = lua_newuserdatauv(L, count * sizeof *keys + 1, 0);
    size_t found = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        spend(L, 1);
        // The table keeps its keys alive, and nothing else runs meanwhile.
        keys[found].text = lua_tolstring(L, -2, &keys[found].length);
        found++;
        lua_pop(L, 1);
    }
    sort_elements(L, keys, count, sizeof *keys, order_keys);
    append(writer, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) append(writer, ",", 1);
        writer->lua->path[writer->depth++] = (path_step){.key = keys[i].text, .key_length = keys[i].length};
        write_string(writer, keys[i].text, keys[i].length);
        append(writer, ":", 1);
        lua_pushlstring(L, keys[i].text, keys[i].length);
        lua_pushvalue(L, -1);
        lua_rawget(L, table);
        write_value(writer, lua_gettop(L), table, lua_gettop(L) - 1);
        lua_pop(L, 2);
        writer->depth--;
    }
    append(writer, "}", 1);
    lua_pop(L, 1);
}

static bool is_marked_as_array(lua_State *L, int table) {
    if (!lua_getmetatable(L, table)) return false;
    bool is_marked = lua_topointer(L, -1) == owner(L)->array_metatable;
    lua_pop(L, 1);
    return is_marked;
}

static void write_table(struct writer *writer, int table) {
    lua_State *L = writer->L;
    if (writer->depth >= DEPTH_MAX) refuse(writer, "is nested too deep, or contains itself");
    load_lazy(L, table);
    lua_Integer count = 0, integers = 0, strings = 0, highest = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        spend(L, 1);
        count++;
        if (lua_type(L, -2) == LUA_TSTRING) strings++;
        if (!lua_isinteger(L, -2)) continue;
        lua_Integer key = lua_tointeger(L, -2);
        if (key < 1) continue;
        integers++;
        if (key > highest) highest = key;
    }
    bool is_array = is_marked_as_array(L, table);
    if (strings == count && !is_array) {
        write_object(writer, table, (size_t)count);
    } else if (integers == count && highest == count) {
        write_array(writer, table, count);
    } else if (is_array && count == 0) {
        append(writer, "[]", 2);
    } else if (integers == count) {
        refuse(writer, "is an array with holes");
    } else if (strings > 0 && integers > 0) {
        refuse(writer, "mixes keys of an array with keys of an object");
    } else {
        refuse(writer, "has keys that are neither strings nor 1, 2, 3, ...");
    }
}

static void write_value(struct writer *writer, int index, int table, int key) {
    lua_State *L = writer->L;
    luaL_checkstack(L, 8, "nested too deep");
    spend(L, 1);
    size_t length;
    const char *text;
    switch (lua_type(L, index)) {
    case LUA_TNIL: append(writer, "null", 4); return;
    case LUA_TBOOLEAN: lua_toboolean(L, index) ? append(writer, "true", 4) : append(writer, "false", 5); return;
    case LUA_TNUMBER: write_number(writer, index, table, key); return;
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &length);
        write_string(writer, text, length);
        return;
    case LUA_TTABLE: write_table(writer, index); return;
    case LUA_TLIGHTUSERDATA: append(writer, "null", 4); return;
    case LUA_TUSERDATA:
        if (!is_written_number(L, index)) break;
        text = written_number(L, index, &length);
        append(writer, text, length);
        return;
    default: break;
    }
    refuse(writer, lua_isfunction(L, index) ? "is a function" : "is no JSON value");
}

void write_json(lua_State *L, int index, buffer *buffer, size_t bytes_max, const char *root) {
    struct writer writer = {L, owner(L), buffer, bytes_max, root, 0};
    write_value(&writer, lua_absindex(L, index), 0, 0);
}

void write_escaped(lua_State *L, buffer *buffer, size_t bytes_max, const char *bytes, size_t count, bool replaces,
                   const char *root) {
    struct writer writer = {L, owner(L), buffer, bytes_max, root, 0};
    append_escaped(&writer, bytes, count, replaces);
}
