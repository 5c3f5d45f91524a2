// The utf8 library (reference manual 5.4, section 6.5), which counts its steps.

#include "Engine.h"

static const lua_Unsigned unicode_max = 0x10FFFF, code_max = 0x7FFFFFFF;
static const char invalid[] = "invalid UTF-8 code";

static bool is_continuation(const char *at) {
    return (*at & 0xC0) == 0x80;
}

/// Where the character at `at` ends, NULL if it is invalid. The byte behind the text is 0.
static const char *decode(const char *at, lua_Unsigned *code, bool is_strict) {
    static const lua_Unsigned least[] = {~(lua_Unsigned)0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
    unsigned lead = (unsigned char)at[0];
    lua_Unsigned value = 0;
    int count = 0;
    if (lead < 0x80) {
        *code = lead;
        return at + 1;
    }
    for (; lead & 0x40; lead <<= 1) {
        if (!is_continuation(at + ++count)) return NULL;
        value = value << 6 | (at[count] & 0x3F);
    }
    value |= (lua_Unsigned)(lead & 0x7F) << (count * 5);
    if (count == 0 || count > 5 || value > code_max || value < least[count]) return NULL;
    if (is_strict && (value > unicode_max || (value >= 0xD800 && value <= 0xDFFF))) return NULL;
    *code = value;
    return at + count + 1;
}

static int encode(char bytes[8], lua_Unsigned code) {
    if (code < 0x80) return bytes[0] = (char)code, 1;
    int count = 0;
    unsigned lead_max = 0x3F;
    char reversed[8];
    do {
        reversed[count++] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
        lead_max >>= 1;
    } while (code > lead_max);
    reversed[count++] = (char)(~lead_max << 1 | code);
    for (int i = 0; i < count; i++) bytes[i] = reversed[count - 1 - i];
    return count;
}

/// A position as strings take them: negative ones count from the end.
static lua_Integer position(lua_Integer position, size_t length) {
    if (position >= 0) return position;
    return (size_t)-position > length ? 0 : (lua_Integer)length + position + 1;
}

static int count_characters(lua_State *L) {
    size_t length;
    lua_Integer count = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer first = position(luaL_optinteger(L, 2, 1), length), last = position(luaL_optinteger(L, 3, -1), length);
    bool is_strict = !is_true(L, 4);
    luaL_argcheck(L, first >= 1 && first - 1 <= (lua_Integer)length, 2, "initial position out of bounds");
    luaL_argcheck(L, last <= (lua_Integer)length, 3, "final position out of bounds");
    for (lua_Integer at = first - 1; at < last; count++) {
        lua_Unsigned code;
        const char *end = decode(text + at, &code, is_strict);
        if (count % 64 == 0) spend(L, 16);
        if (!end) {
            luaL_pushfail(L);
            lua_pushinteger(L, at + 1);
            return 2;
        }
        at = end - text;
    }
    lua_pushinteger(L, count);
    return 1;
}

static int code_points(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer first = position(luaL_optinteger(L, 2, 1), length), last = position(luaL_optinteger(L, 3, first), length);
    bool is_strict = !is_true(L, 4);
    luaL_argcheck(L, first >= 1, 2, "out of bounds");
    luaL_argcheck(L, last <= (lua_Integer)length, 3, "out of bounds");
    if (first > last) return 0;
    if (last - first >= LUAI_MAXSTACK) return luaL_error(L, "string slice too long");
    int room = (int)(last - first) + 1, count = 0;
    luaL_checkstack(L, room, "string slice too long");
    expect_long_instructions(owner(L), (size_t)room * 16);
    for (const char *at = text + first - 1, *end = text + last; at < end; count++) {
        lua_Unsigned code;
        spend(L, 1);
        at = decode(at, &code, is_strict);
        if (!at) return luaL_error(L, invalid);
        lua_pushinteger(L, (lua_Integer)code);
    }
    return count;
}

static int characters(lua_State *L) {
    int count = lua_gettop(L);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (int i = 1; i <= count; i++) {
        char bytes[8];
        lua_Unsigned code = (lua_Unsigned)luaL_checkinteger(L, i);
        spend(L, 1);
        luaL_argcheck(L, code <= code_max, i, "value out of range");
        luaL_addlstring(&buffer, bytes, (size_t)encode(bytes, code));
    }
    luaL_pushresult(&buffer);
    return 1;
}

/// Moves by continuation bytes.
static lua_Integer skip_continuations(lua_State *L, const char *text, lua_Integer at, int step) {
    for (lua_Integer first = at; at >= 0 && is_continuation(text + at); at += step)
        if ((at - first) % 1024 == 0) spend(L, 64);
    return at;
}

static int offset(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    lua_Integer at = position(luaL_optinteger(L, 3, count >= 0 ? 1 : (lua_Integer)length + 1), length) - 1;
    luaL_argcheck(L, at >= 0 && at <= (lua_Integer)length, 3, "position out of bounds");
    if (count == 0) {
        at = skip_continuations(L, text, at, -1);
        if (at < 0) at = 0;
        return lua_pushinteger(L, at + 1), 1;
    }
    if (is_continuation(text + at)) return luaL_error(L, "initial position is a continuation byte");
    for (; count < 0 && at > 0; count++) {
        spend(L, 1);
        at = skip_continuations(L, text, at - 1, -1);
        if (at < 0) at = 0;
    }
    if (count > 0) count--;
    for (; count > 0 && at < (lua_Integer)length; count--) {
        spend(L, 1);
        at = skip_continuations(L, text, at + 1, 1);
    }
    if (count == 0) {
        lua_pushinteger(L, at + 1);
    } else {
        luaL_pushfail(L);
    }
    return 1;
}

static int next_code(lua_State *L, bool is_strict) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer at = lua_tointeger(L, 2) - 1;
    if (at < 0) {
        at = 0;
    } else if (at < (lua_Integer)length) {
        at = skip_continuations(L, text, at + 1, 1);
    }
    if (at >= (lua_Integer)length) return 0;
    lua_Unsigned code;
    const char *end = decode(text + at, &code, is_strict);
    if (!end || is_continuation(end)) return luaL_error(L, invalid);
    lua_pushinteger(L, at + 1);
    lua_pushinteger(L, (lua_Integer)code);
    return 2;
}

static int next_strict_code(lua_State *L) {
    return next_code(L, true);
}

static int next_lax_code(lua_State *L) {
    return next_code(L, false);
}

static int codes(lua_State *L) {
    bool is_lax = is_true(L, 2);
    const char *text = luaL_checkstring(L, 1);
    luaL_argcheck(L, !is_continuation(text), 1, invalid);
    lua_pushcfunction(L, is_lax ? next_lax_code : next_strict_code);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

void open_utf8(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"len", count_characters}, {"codepoint", code_points}, {"char", characters},
        {"offset", offset},        {"codes", codes},           {NULL, NULL},
    };
    static const char pattern[] = "[\0-\x7F\xC2-\xFD][\x80-\xBF]*";
    luaL_newlib(L, functions);
    lua_pushlstring(L, pattern, sizeof pattern - 1);
    lua_setfield(L, -2, "charpattern");
}
