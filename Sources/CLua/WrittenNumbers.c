// How numbers were written: 1.10, 1E5 and -0 are plain numbers for a program, and come out as they came in where it only hands
// them on. A table that was read from JSON remembers it for each of its keys. For a number that was taken out of its table, what
// counts is how a number of its value was written under the same name, or else anywhere, if they all were written alike. So the
// value is always right, and the way of writing wherever it can be told.

#include "Engine.h"

/// [number]: its token · [table][key]: its token · [name][number]: its token
static char values_key, slots_key, names_key;

static uint64_t *canonical_word(mr_lua *lua, lua_Number number, uint64_t *bit) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits *= 0x9E3779B97F4A7C15;
    *bit = (uint64_t)1 << (bits >> 58);
    return &lua->written.canonical[bits >> 49 & 511];
}

void note_canonical(mr_lua *lua, lua_Number number) {
    uint64_t bit;
    *canonical_word(lua, number, &bit) |= bit;
    lua->written.is_any_canonical = true;
}

void forget_written(mr_lua *lua) {
    if (lua->written.is_any_canonical) memset(lua->written.canonical, 0, sizeof lua->written.canonical);
    lua->written.is_any_canonical = false;
    if (!lua->written.is_any) return;
    lua->written.is_any = false;
    lua_State *L = lua->state;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &values_key);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &slots_key);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
}

static void push_registry_table(lua_State *L, const void *key) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/// Pushes what the table on top has under the value at `key`, a new table if it has nothing.
static void push_member_table(lua_State *L, int key) {
    lua_pushvalue(L, key);
    if (lua_rawget(L, -2) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, key);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
}

/// registry[name][first][second] = value
static void set_member(lua_State *L, const void *name, int first, int second, int value) {
    push_registry_table(L, name);
    push_member_table(L, first);
    lua_pushvalue(L, second);
    lua_pushvalue(L, value);
    lua_rawset(L, -3);
}

void note_written(lua_State *L, int index, const char *token, size_t length, int table, int key) {
    luaL_checkstack(L, 8, NULL);
    index = lua_absindex(L, index);
    int top = lua_gettop(L);
    owner(L)->written.is_any = true;
    lua_pushlstring(L, token, length);
    push_registry_table(L, &values_key);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pushvalue(L, index);
        lua_pushvalue(L, top + 1);
        lua_rawset(L, -4);
    }
    if (table) set_member(L, &slots_key, table, key, top + 1);
    if (table && lua_type(L, key) == LUA_TSTRING) set_member(L, &names_key, key, index, top + 1);
    lua_settop(L, top);
}

/// The token on top of the stack, if it stands for the very number at `index`.
static const char *token_of(lua_State *L, int index, size_t *length) {
    if (lua_type(L, -1) != LUA_TSTRING) return NULL;
    const char *token = lua_tolstring(L, -1, length);
    lua_Number number = lua_tonumber(L, index), written = strtod(token, NULL);
    return memcmp(&number, &written, sizeof number) == 0 ? token : NULL;
}

/// registry[name][first][second], if it is a token for the number at `index`.
static const char *find_member(lua_State *L, const void *name, int first, int second, int index, size_t *length) {
    int top = lua_gettop(L);
    const char *token = NULL;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, name) == LUA_TTABLE) {
        lua_pushvalue(L, first);
        if (lua_rawget(L, -2) == LUA_TTABLE) {
            lua_pushvalue(L, second);
            lua_rawget(L, -2);
            token = token_of(L, index, length);
        }
    }
    lua_settop(L, top);
    return token;
}

const char *find_written(lua_State *L, int index, int table, int key, size_t *length) {
    mr_lua *lua = owner(L);
    if (!lua->written.is_any || lua_type(L, index) != LUA_TNUMBER || lua_isinteger(L, index)) return NULL;
    lua_Number number = lua_tonumber(L, index);
    if (number != number) return NULL;
    luaL_checkstack(L, 4, NULL);
    const char *token = NULL;
    if (table) token = find_member(L, &slots_key, table, key, index, length);
    if (!token && table && lua_type(L, key) == LUA_TSTRING) token = find_member(L, &names_key, key, index, index, length);
    uint64_t bit;
    if (token || *canonical_word(lua, number, &bit) & bit) return token;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &values_key) == LUA_TTABLE) {
        lua_pushvalue(L, index);
        lua_rawget(L, -2);
        token = token_of(L, index, length);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return token;
}
