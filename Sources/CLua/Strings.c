// The string library: Lua's own functions where they are short whatever they are called with, and ours, which count their
// steps, for the others. Strings keep their metatable, which no program can reach: `("x"):upper()` works.

#include <ctype.h>

#include "Engine.h"

static const size_t piece_bytes = 64 * 1024;

// Copies

static size_t least(size_t left, size_t right) {
    return left < right ? left : right;
}

static void copy_bytes(lua_State *L, char *to, const char *from, size_t count) {
    for (size_t at = 0; at < count; at += piece_bytes) {
        size_t piece = least(count - at, piece_bytes);
        spend_bytes(L, piece);
        memcpy(to + at, from + at, piece);
    }
}

static int repeat(lua_State *L) {
    size_t length, separator_length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_length);
    size_t unit = length + separator_length;
    if (count <= 0 || unit == 0) return lua_pushliteral(L, ""), 1;
    if (unit > (size_t)PTRDIFF_MAX / (size_t)count) return luaL_error(L, "resulting string too large");
    size_t total = unit * (size_t)count - separator_length;
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(L, &buffer, total);
    copy_bytes(L, bytes, text, length);
    if (count > 1) copy_bytes(L, bytes + length, separator, separator_length);
    // What is there is a whole number of units, and doubles until all is.
    for (size_t filled = unit; filled < total; filled *= 2) {
        copy_bytes(L, bytes + filled, bytes, least(filled, total - filled));
    }
    luaL_pushresultsize(&buffer, total);
    return 1;
}

static int reverse(lua_State *L) {
    size_t length;
    luaL_Buffer buffer;
    const char *text = luaL_checklstring(L, 1, &length);
    char *bytes = luaL_buffinitsize(L, &buffer, length);
    for (size_t at = 0; at < length; at++) {
        if (at % piece_bytes == 0) spend_bytes(L, least(length - at, piece_bytes) * 4);
        bytes[at] = text[length - 1 - at];
    }
    luaL_pushresultsize(&buffer, length);
    return 1;
}

static int change_case(lua_State *L, int (*change)(int)) {
    size_t length;
    luaL_Buffer buffer;
    const char *text = luaL_checklstring(L, 1, &length);
    char *bytes = luaL_buffinitsize(L, &buffer, length);
    for (size_t at = 0; at < length; at++) {
        if (at % piece_bytes == 0) spend_bytes(L, least(length - at, piece_bytes) * 4);
        bytes[at] = (char)change((unsigned char)text[at]);
    }
    luaL_pushresultsize(&buffer, length);
    return 1;
}

static int lower(lua_State *L) {
    return change_case(L, tolower);
}

static int upper(lua_State *L) {
    return change_case(L, toupper);
}

static int byte(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer first = luaL_optinteger(L, 2, 1), end = (lua_Integer)length;
    if (first < 0) first = first < -end ? 1 : end + first + 1;
    if (first == 0) first = 1;
    lua_Integer last = luaL_optinteger(L, 3, luaL_optinteger(L, 2, 1));
    if (last < 0) last = last < -end ? 0 : end + last + 1;
    if (last > end) last = end;
    if (first > last) return 0;
    lua_Integer count = last - first + 1;
    if (count >= LUAI_MAXSTACK || !lua_checkstack(L, (int)count)) return luaL_error(L, "string slice too long");
    expect_long_instructions(owner(L), (size_t)count * 16);
    for (lua_Integer i = 0; i < count; i++) {
        spend(L, 1);
        lua_pushinteger(L, (unsigned char)text[first - 1 + i]);
    }
    return (int)count;
}

// Packing: Lua's own, which runs through its format in one go, so that the format is bounded

static const size_t format_bytes_max = 64 * 1024;
static const size_t fixed_bytes_max = 16 * 1024 * 1024;

static int pack(lua_State *L) {
    size_t length, fixed_bytes = 0;
    const char *format = luaL_checklstring(L, 1, &length);
    luaL_argcheck(L, length <= format_bytes_max, 1, "format is longer than 64 KiB");
    for (size_t at = 0; at < length; at++) {
        if (format[at] != 'c') continue;
        size_t size = 0;
        for (; isdigit((unsigned char)format[at + 1]) && size <= fixed_bytes_max; at++)
            size = size * 10 + (size_t)(format[at + 1] - '0');
        fixed_bytes += size;
        luaL_argcheck(L, fixed_bytes <= fixed_bytes_max, 1, "fixed strings of more than 16 MiB");
    }
    spend(L, (size_t)lua_gettop(L) + length + fixed_bytes / 16);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

// Arithmetic with texts of numbers: Lua's own, which reads them in one go

/// No number is so long.
static const size_t number_bytes_max = 64 * 1024;

static int calculate(lua_State *L) {
    for (int i = 1; i <= 2; i++) {
        size_t length;
        if (lua_type(L, i) != LUA_TSTRING) continue;
        lua_tolstring(L, i, &length);
        if (length > number_bytes_max) return luaL_error(L, "attempt to perform arithmetic on a string value");
    }
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/// Puts `function` in the place of a field of the table on top of the stack, with what was there as its upvalue.
static void wrap(lua_State *L, const char *field, lua_CFunction function) {
    lua_getfield(L, -1, field);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, field);
}

void open_strings(lua_State *L) {
    static const luaL_Reg own[] = {
        {"find", find_string}, {"match", match_string},    {"gmatch", gmatch_string}, {"gsub", gsub_string},
        {"rep", repeat},       {"format", format_string},  {"lower", lower},          {"upper", upper},
        {"byte", byte},        {"reverse", reverse},       {NULL, NULL},
    };
    static const char *const arithmetic[] = {"__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm", NULL};
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    for (const char *const *name = arithmetic; *name; name++) wrap(L, *name, calculate);
    lua_pop(L, 2);
    wrap(L, "pack", pack);
    wrap(L, "unpack", pack);
    wrap(L, "packsize", pack);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    luaL_setfuncs(L, own, 0);
}
