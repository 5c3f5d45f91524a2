// What a program finds: Lua's own functions without those that reach outside, see a clock, roll dice, show addresses or
// could get around the limits. There are no metatables, coroutines or `load` for programs: each is a way to run code where
// no hook fires (finalizers), to swallow the interruption, or to keep the collector busy (weak tables).
//
// Iteration is ordered (numbers, then strings), because Lua's own order depends on addresses.

#include "Engine.h"

static char original_tonumber_key;
extern char array_metatable_key;

// Catching errors

static int finish_call(lua_State *L, int status, lua_KContext context) {
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L);
    // A limit is no error that a program may handle.
    mr_lua *lua = owner(L);
    if (status == LUA_ERRMEM) lua->is_out_of_memory = true;
    if (lua->is_over || lua->is_out_of_memory) return lua_isyieldable(L) ? give_up(L) : lua_error(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int protected_call(lua_State *L) {
    luaL_checkany(L, 1);
    // The first result, below the function and its arguments.
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call);
    return finish_call(L, status, 0);
}

// Showing values

void push_shown(lua_State *L, int index) {
    size_t length;
    const char *token;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: luaL_tolstring(L, index, NULL); return;
    case LUA_TLIGHTUSERDATA: lua_pushliteral(L, "null"); return;
    case LUA_TUSERDATA:
        if (is_written_number(L, index)) {
            token = written_number(L, index, &length);
            lua_pushlstring(L, token, length);
            return;
        }
        break;
    default: break;
    }
    lua_pushstring(L, luaL_typename(L, index));
}

static int show(lua_State *L) {
    luaL_checkany(L, 1);
    push_shown(L, 1);
    return 1;
}

static int to_number(lua_State *L) {
    if (lua_gettop(L) == 1 && is_written_number(L, 1)) {
        size_t length;
        lua_pushnumber(L, strtod(written_number(L, 1, &length), NULL));
        return 1;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &original_tonumber_key);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

// Output

static void send(lua_State *L, mr_lua_channel channel) {
    mr_lua *lua = owner(L);
    lua->output_bytes += lua->output.count;
    if (lua->output_bytes > lua->program.result_bytes_max)
        luaL_error(L, "sent more than %d bytes of output", (int)lua->program.result_bytes_max);
    lua->host.output(lua->host.context, channel, lua->output.bytes, lua->output.count);
}

static int print(lua_State *L) {
    mr_lua *lua = owner(L);
    int count = lua_gettop(L);
    lua->output.count = 0;
    buffer_append(&lua->output, "\"", 1);
    for (int i = 1; i <= count; i++) {
        size_t length;
        if (i > 1) buffer_append(&lua->output, "\\t", 2);
        push_shown(L, i);
        const char *text = lua_tolstring(L, -1, &length);
        write_escaped(L, &lua->output, text, length, true, "print");
        lua_pop(L, 1);
    }
    buffer_append(&lua->output, "\"", 1);
    send(L, MR_LUA_LOG);
    return 0;
}

static int emit(lua_State *L) {
    mr_lua *lua = owner(L);
    luaL_checkany(L, 1);
    lua->output.count = 0;
    write_json(L, 1, &lua->output, lua->program.result_bytes_max, "emit");
    send(L, MR_LUA_CHUNK);
    return 0;
}

static int mark_as_array(lua_State *L) {
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getmetatable(L, 1)) {
        if (lua_topointer(L, -1) != owner(L)->array_metatable) return luaL_error(L, "this table cannot be an array");
        lua_pop(L, 1);
        return 1;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_metatable_key);
    lua_setmetatable(L, -2);
    return 1;
}

// Putting it together

static int refuse_write(lua_State *L) {
    return luaL_error(L, "the libraries cannot be changed");
}

/// Replaces the library on top of the stack by an empty table that reads through to it, and sets it as a global.
static void set_library(lua_State *L, int globals, const char *name) {
    lua_newtable(L);
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse_write);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    lua_setfield(L, globals, name);
    lua_pop(L, 1);
}

static void remove_fields(lua_State *L, const char *const *names) {
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
}

/// Catching an error and handing it over, in Lua, so that handlers can be interrupted.
static const char xpcall_source[] =
    "local pcall = ...\n"
    "local function finish(handler, ok, ...)\n"
    "    if ok then return true, ... end\n"
    "    return false, handler(...)\n"
    "end\n"
    "return function(f, handler, ...) return finish(handler, pcall(f, ...)) end\n";

static void set_base_functions(lua_State *L, int globals) {
    static const char *const kept[] = {"assert", "error", "ipairs", "rawequal", "rawlen", "select", "type", NULL};
    static const luaL_Reg own[] = {
        {"pcall", protected_call}, {"tostring", show},    {"tonumber", to_number},  {"print", print}, {"emit", emit},
        {"array", mark_as_array},  {"next", ordered_next}, {"pairs", ordered_pairs}, {NULL, NULL},
    };
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    for (const char *const *name = kept; *name; name++) {
        lua_getfield(L, -1, *name);
        lua_setfield(L, globals, *name);
    }
    lua_getfield(L, -1, "tonumber");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &original_tonumber_key);
    lua_pop(L, 1);
    lua_pushvalue(L, globals);
    luaL_setfuncs(L, own, 0);
    lua_pop(L, 1);
    if (luaL_loadbufferx(L, xpcall_source, sizeof xpcall_source - 1, "=xpcall", "t") != LUA_OK) lua_error(L);
    lua_pushcfunction(L, protected_call);
    lua_call(L, 1, 1);
    lua_setfield(L, globals, "xpcall");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, globals, "null");
}

void open_globals(lua_State *L) {
    static const char *const chance[] = {"random", "randomseed", NULL};
    lua_newtable(L);
    owner(L)->array_metatable = lua_topointer(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_metatable_key);
    lua_newtable(L);
    int globals = lua_gettop(L);
    set_base_functions(L, globals);
    lua_pushcfunction(L, luaopen_math);
    lua_call(L, 0, 1);
    remove_fields(L, chance);
    set_library(L, globals, "math");
    lua_pushcfunction(L, luaopen_utf8);
    lua_call(L, 0, 1);
    set_library(L, globals, "utf8");
    open_strings(L);
    set_library(L, globals, "string");
    open_tables(L);
    set_library(L, globals, "table");
    // The interpreter's own table of globals is reachable from nowhere; it goes, so that it stays so.
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
