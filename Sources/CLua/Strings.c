// The string library: Lua's own functions, but pattern matching that counts its steps, and a `format` that shows no
// addresses. Strings keep their metatable, which no program can reach: `("x"):upper()` works.

#include "Engine.h"

static char original_format_key;

/// `%p` would show where a value lies in memory.
static void check_format(lua_State *L, const char *format, size_t length) {
    const char *end = format + length;
    while ((format = memchr(format, '%', (size_t)(end - format)))) {
        format++;
        format += strspn(format, "-+ #0123456789.");
        if (*format == 'p') luaL_error(L, "invalid conversion '%%p' to 'format'");
        if (format < end) format++;
    }
}

static int format(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    check_format(L, text, length);
    int count = lua_gettop(L);
    for (int i = 2; i <= count; i++) {
        int kind = lua_type(L, i);
        if (kind <= LUA_TBOOLEAN || kind == LUA_TNUMBER || kind == LUA_TSTRING) continue;
        push_shown(L, i);
        lua_replace(L, i);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &original_format_key);
    lua_insert(L, 1);
    lua_call(L, count, 1);
    return 1;
}

void open_strings(lua_State *L) {
    static const luaL_Reg own[] = {
        {"find", find_string}, {"match", match_string}, {"gmatch", gmatch_string},
        {"gsub", gsub_string}, {"format", format},      {NULL, NULL},
    };
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "format");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &original_format_key);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    luaL_setfuncs(L, own, 0);
}
