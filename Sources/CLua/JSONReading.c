// JSON to Lua: objects and arrays become tables (arrays are marked, so that an empty one stays one), null becomes `null`.
// The text was validated before, so that only the structure is followed here.

#include "Engine.h"

char array_metatable_key;

struct reader {
    lua_State *L;
    const char *at;
    const char *end;
    /// The token of the value that was just read, if it is a number that Lua would write in another way.
    const char *written;
    size_t written_length;
};

static void read_value(struct reader *reader, int depth);

static unsigned read_hex(const char *digits) {
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char digit = (unsigned char)digits[i];
        value = value << 4 | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

/// UTF-8 of a code point. Valid JSON has no lone half of a surrogate pair.
static int encode(char *bytes, unsigned point) {
    if (point < 0x80) return bytes[0] = (char)point, 1;
    if (point < 0x800) {
        bytes[0] = (char)(0xC0 | point >> 6);
        bytes[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        bytes[0] = (char)(0xE0 | point >> 12);
        bytes[1] = (char)(0x80 | (point >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | point >> 18);
    bytes[1] = (char)(0x80 | (point >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (point >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/// Decodes the escape at `*at` (behind the backslash) and moves behind it.
static int unescape(const char **at, char bytes[4]) {
    char escape = *(*at)++;
    switch (escape) {
    case 'b': return bytes[0] = '\b', 1;
    case 'f': return bytes[0] = '\f', 1;
    case 'n': return bytes[0] = '\n', 1;
    case 'r': return bytes[0] = '\r', 1;
    case 't': return bytes[0] = '\t', 1;
    case 'u': break;
    default: return bytes[0] = escape, 1;
    }
    unsigned point = read_hex(*at);
    *at += 4;
    if (point >> 10 == 0x36 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        unsigned low = read_hex(*at + 2);
        if (low >> 10 == 0x37) {
            point = 0x10000 + ((point & 0x3FF) << 10 | (low & 0x3FF));
            *at += 6;
        }
    }
    return encode(bytes, point);
}

static void read_escaped_string(struct reader *reader, const char *start) {
    luaL_Buffer text;
    luaL_buffinit(reader->L, &text);
    const char *at = start;
    while (*at != '"') {
        const char *run = at;
        while (*at != '"' && *at != '\\') at++;
        spend_bytes(reader->L, (size_t)(at - run));
        luaL_addlstring(&text, run, (size_t)(at - run));
        if (*at != '\\') continue;
        char bytes[4];
        at++;
        int count = unescape(&at, bytes);
        luaL_addlstring(&text, bytes, (size_t)count);
    }
    reader->at = at + 1;
    luaL_pushresult(&text);
}

static void read_string(struct reader *reader) {
    const char *start = ++reader->at;
    const char *end = memchr(start, '"', (size_t)(reader->end - start));
    if (!end) luaL_error(reader->L, "malformed JSON");
    if (memchr(start, '\\', (size_t)(end - start))) {
        read_escaped_string(reader, start);
        return;
    }
    spend_bytes(reader->L, (size_t)(end - start));
    lua_pushlstring(reader->L, start, (size_t)(end - start));
    reader->at = end + 1;
}

static void read_number(struct reader *reader) {
    const char *start = reader->at;
    while (memchr("+-.0123456789eE", *reader->at, 15)) reader->at++;
    if (reader->at == start) luaL_error(reader->L, "malformed JSON");
    reader->written_length = (size_t)(reader->at - start);
    if (push_number(reader->L, start, reader->written_length)) reader->written = start;
}

/// The number on top of the stack is about to stand in the table at `table` under the key at `key`.
static void note_number(struct reader *reader, int table, int key) {
    if (reader->written) note_written(reader->L, -1, reader->written, reader->written_length, table, key);
}

static void read_array(struct reader *reader, int depth) {
    lua_State *L = reader->L;
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_metatable_key);
    lua_setmetatable(L, -2);
    lua_Integer count = 0;
    int table = lua_gettop(L);
    for (reader->at++; *reader->at != ']'; reader->at += *reader->at == ',') {
        lua_pushinteger(L, ++count);
        read_value(reader, depth + 1);
        note_number(reader, table, table + 1);
        lua_rawset(L, table);
    }
    reader->at++;
    reader->written = NULL;
}

static void read_object(struct reader *reader, int depth) {
    lua_State *L = reader->L;
    lua_newtable(L);
    int table = lua_gettop(L);
    for (reader->at++; *reader->at != '}'; reader->at += *reader->at == ',') {
        read_string(reader);
        reader->at++;
        read_value(reader, depth + 1);
        note_number(reader, table, table + 1);
        lua_rawset(L, table);
    }
    reader->at++;
    reader->written = NULL;
}

static void read_value(struct reader *reader, int depth) {
    lua_State *L = reader->L;
    if (depth > DEPTH_MAX) luaL_error(L, "a JSON value is nested deeper than %d levels", DEPTH_MAX);
    luaL_checkstack(L, 6, "a JSON value is nested too deep");
    spend(L, 1);
    reader->written = NULL;
    switch (*reader->at) {
    case '"': read_string(reader); break;
    case '[': read_array(reader, depth); break;
    case '{': read_object(reader, depth); break;
    case 't': lua_pushboolean(L, 1); reader->at += 4; break;
    case 'f': lua_pushboolean(L, 0); reader->at += 5; break;
    case 'n': lua_pushlightuserdata(L, NULL); reader->at += 4; break;
    default: read_number(reader);
    }
}

void push_json(lua_State *L, const char *json, size_t length, int table, int key) {
    struct reader reader = {.L = L, .at = json, .end = json + length};
    read_value(&reader, 0);
    note_number(&reader, table, key);
}
