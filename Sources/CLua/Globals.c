// What a program finds: Lua's own functions without those that reach outside, see a clock, roll dice, show addresses or
// could get around the limits. There are no metatables, coroutines or `load` for programs: each is a way to run code where
// no hook fires (finalizers), to swallow the interruption, or to keep the collector busy (weak tables).
//
// Iteration is ordered (numbers, then strings), because Lua's own order depends on addresses.

#include "Engine.h"

static char original_tonumber_key;
extern char array_metatable_key;

// Catching errors

static int protected_call(lua_State *L) {
    luaL_checkany(L, 1);
    check_stack(L);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    // A limit is no error that a program may handle.
    if (status == LUA_ERRMEM) end_without_memory(owner(L));
    lua_pushboolean(L, status == LUA_OK);
    lua_insert(L, 1);
    return lua_gettop(L);
}

/// Lua's own takes null for true.
static int assert_true(lua_State *L) {
    luaL_checkany(L, 1);
    if (is_true(L, 1)) return lua_gettop(L);
    lua_remove(L, 1);
    lua_pushliteral(L, "assertion failed!");
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, 1);
        lua_concat(L, 2);
    }
    return lua_error(L);
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

/// A number that is kept as its text is a number.
static int type_of(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushstring(L, is_written_number(L, 1) ? "number" : luaL_typename(L, 1));
    return 1;
}

static int show(lua_State *L) {
    luaL_checkany(L, 1);
    push_shown(L, 1);
    return 1;
}

/// No number is so long; reading one takes time that goes by its length.
static const size_t number_bytes_max = 64 * 1024;

static int to_number(lua_State *L) {
    size_t length;
    if (lua_gettop(L) == 1 && is_written_number(L, 1)) {
        lua_pushnumber(L, strtod(written_number(L, 1, &length), NULL));
        return 1;
    }
    if (lua_type(L, 1) == LUA_TSTRING && (lua_tolstring(L, 1, &length), length > number_bytes_max)) return lua_pushnil(L), 1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &original_tonumber_key);
    lua_CFunction original = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    return original(L);
}

// Output

/// What the program may still send.
static size_t output_bytes_left(lua_State *L) {
    mr_lua *lua = owner(L);
    return lua->program.result_bytes_max - lua->output_bytes;
}

static void refuse_output(lua_State *L) {
    luaL_error(L, "sent more than %d bytes of output", (int)owner(L)->program.result_bytes_max);
}

static void send(lua_State *L, mr_lua_channel channel) {
    mr_lua *lua = owner(L);
    if (lua->output.count > output_bytes_left(L)) refuse_output(L);
    lua->output_bytes += lua->output.count;
    lua->host.output(lua->host.context, channel, lua->output.bytes, lua->output.count);
    buffer_clear(&lua->output);
}

static int print(lua_State *L) {
    mr_lua *lua = owner(L);
    int count = lua_gettop(L);
    lua->output.count = 0;
    buffer_append(&lua->output, "\"", 1);
    for (int i = 1; i <= count; i++) {
        size_t length;
        spend(L, 2);
        if (i > 1) buffer_append(&lua->output, "\\t", 2);
        push_shown(L, i);
        const char *text = lua_tolstring(L, -1, &length);
        if (lua->output.count + length > output_bytes_left(L)) refuse_output(L);
        write_escaped(L, &lua->output, output_bytes_left(L), text, length, true, "print");
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
    static const char *const kept[] = {"error", "ipairs", "rawequal", "rawlen", "select", NULL};
    static const luaL_Reg own[] = {
        {"pcall", protected_call}, {"tostring", show},    {"tonumber", to_number},  {"print", print}, {"emit", emit},
        {"array", mark_as_array},  {"next", ordered_next}, {"pairs", ordered_pairs}, {"type", type_of},
        {"assert", assert_true},   {NULL, NULL},
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
    push_compiled(L, xpcall_source, "=xpcall");
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
    open_utf8(L);
    set_library(L, globals, "utf8");
    open_strings(L);
    set_library(L, globals, "string");
    open_tables(L);
    set_library(L, globals, "table");
    // The interpreter's own table of globals is reachable from nowhere; it goes, so that it stays so.
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
