// `state` and `nodes`: tables whose values are fetched and converted when they are touched first. From then on they are
// ordinary: what a program writes there stays in its run. A key that was touched once is never fetched again, so that a
// program can also remove it.

#include "Engine.h"


/// The keys that were touched, and which table it is: the only two values in the metatable's list part of this table.
struct lazy {
    mr_lua_table table;
    bool is_loaded;
};

// Each lazy table has a metatable of its own, that holds: [1] the `struct lazy`, [2] the set of touched keys.

static struct lazy *lazy_of(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return NULL;
    struct lazy *lazy = NULL;
    if (lua_rawgeti(L, -1, 1) == LUA_TUSERDATA) lazy = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return lazy;
}

/// Whether the key on top of the stack was touched before; it is from now on.
static bool touch(lua_State *L, int index) {
    lua_getmetatable(L, index);
    lua_rawgeti(L, -1, 2);
    lua_pushvalue(L, -3);
    bool was_touched = lua_rawget(L, -2) != LUA_TNIL;
    if (!was_touched) {
        lua_pushvalue(L, -4);
        lua_pushboolean(L, 1);
        lua_rawset(L, -4);
    }
    lua_pop(L, 3);
    return was_touched;
}

/// - Returns: whether the host has such a value: `given` is its JSON.
static bool read_given(lua_State *L, mr_lua_table table, const char *key, size_t length) {
    mr_lua *lua = owner(L);
    for (;;) {
        lua->given.count = 0;
        if (!lua->host.read(lua->host.context, lua, table, key, length)) return false;
        if (lua->given.count == 0) luaL_error(L, "ran out of memory");
        if (is_granted(lua, 0)) return true;
        // Whoever waits does not hold what it waits for; the host gives the same again.
        size_t bytes = lua->given.capacity;
        buffer_free(&lua->given);
        expect_grant(lua, bytes);
    }
}

/// Pushes the value of the key at 2 of the lazy table at 1, or without a key all of the table.
static bool push_value(lua_State *L, mr_lua_table table, const char *key, size_t length) {
    mr_lua *lua = owner(L);
    if (!read_given(L, table, key, length)) return false;
    push_json(L, lua->given.bytes, lua->given.count, key ? 1 : 0, 2);
    buffer_clear(&lua->given);
    return true;
}

/// The number on top of the stack also stands in another table.
static void note_again(lua_State *L, int from, int from_key, int to, int to_key) {
    size_t length;
    const char *token = find_written(L, lua_gettop(L), from, from_key, &length);
    if (token) note_written(L, -1, token, length, to, to_key);
}

static int read_key(lua_State *L) {
    struct lazy *lazy = lazy_of(L, 1);
    if (!lazy || lazy->is_loaded || lua_type(L, 2) != LUA_TSTRING) return 0;
    if (touch(L, 1)) return 0;
    size_t length;
    const char *key = lua_tolstring(L, 2, &length);
    if (!push_value(L, lazy->table, key, length)) return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

static int write_key(lua_State *L) {
    lua_settop(L, 3);
    lua_pushvalue(L, 2);
    if (!lua_isnil(L, 2)) touch(L, 1);
    lua_pop(L, 1);
    if (lua_isnil(L, 2)) return luaL_error(L, "index is nil");
    if (lua_type(L, 2) == LUA_TNUMBER && lua_tonumber(L, 2) != lua_tonumber(L, 2)) return luaL_error(L, "index is NaN");
    lua_rawset(L, 1);
    return 0;
}

void load_lazy(lua_State *L, int index) {
    struct lazy *lazy = lazy_of(L, index);
    if (!lazy || lazy->is_loaded) return;
    index = lua_absindex(L, index);
    luaL_checkstack(L, 8, NULL);
    if (push_value(L, lazy->table, NULL, 0)) {
        int values = lua_gettop(L);
        lua_pushnil(L);
        while (lua_next(L, values)) {
            spend(L, 1);
            lua_pushvalue(L, -2);
            if (!touch(L, index)) {
                lua_pushvalue(L, -2);
                note_again(L, values, lua_gettop(L) - 1, index, lua_gettop(L) - 1);
                lua_rawset(L, index);
                lua_pop(L, 1);
            } else {
                lua_pop(L, 2);
            }
        }
        lua_pop(L, 1);
    }
    lazy->is_loaded = true;
}

void push_lazy(lua_State *L, mr_lua_table table) {
    lua_newtable(L);
    lua_createtable(L, 2, 2);
    struct lazy *lazy = lua_newuserdatauv(L, sizeof *lazy, 0);
    *lazy = (struct lazy){.table = table};
    lua_rawseti(L, -2, 1);
    lua_newtable(L);
    lua_rawseti(L, -2, 2);
    lua_pushcfunction(L, read_key);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, write_key);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
}
