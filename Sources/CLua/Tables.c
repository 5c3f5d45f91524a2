// The table library and iteration. Loops in C count their steps; sorting is Lua, so that a comparison can be interrupted.
// Both sorting and iteration give the same order every time, unlike Lua's own.

#include "Engine.h"

// Lists

static lua_Integer list_length(lua_State *L, int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, index);
}

static int insert(lua_State *L) {
    lua_Integer end = list_length(L, 1) + 1, position = end;
    int count = lua_gettop(L);
    if (count == 3) {
        position = luaL_checkinteger(L, 2);
        luaL_argcheck(L, position >= 1 && position <= end, 2, "position out of bounds");
        for (lua_Integer i = end; i > position; i--) {
            spend(L, 1);
            lua_geti(L, 1, i - 1);
            lua_seti(L, 1, i);
        }
    } else if (count != 2) {
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, position);
    return 0;
}

static int remove_element(lua_State *L) {
    lua_Integer end = list_length(L, 1);
    lua_Integer position = luaL_optinteger(L, 2, end);
    if (lua_gettop(L) > 1)
        luaL_argcheck(L, (position >= 1 && position <= end + 1) || (end == 0 && position == 0), 2, "position out of bounds");
    lua_geti(L, 1, position);
    for (; position < end; position++) {
        spend(L, 1);
        lua_geti(L, 1, position + 1);
        lua_seti(L, 1, position);
    }
    lua_pushnil(L);
    lua_seti(L, 1, position);
    return 1;
}

static int move(lua_State *L) {
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, target, LUA_TTABLE);
    lua_pushvalue(L, target);
    if (last < first) return 1;
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    luaL_argcheck(L, to <= LUA_MAXINTEGER - (last - first), 4, "destination wrap around");
    // Overlapping ranges are copied from the side where nothing is overwritten before it was read.
    bool goes_up = to > last || to <= first || target != 1;
    for (lua_Integer i = 0; i <= last - first; i++) {
        lua_Integer offset = goes_up ? i : last - first - i;
        spend(L, 1);
        lua_geti(L, 1, first + offset);
        lua_seti(L, target, to + offset);
    }
    return 1;
}

static int concat(lua_State *L) {
    size_t length;
    lua_Integer end = list_length(L, 1);
    const char *separator = luaL_optlstring(L, 2, "", &length);
    lua_Integer first = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, end);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (lua_Integer i = first; i <= last; i++) {
        spend(L, 1);
        lua_geti(L, 1, i);
        if (is_written_number(L, -1)) {
            push_shown(L, -1);
            lua_remove(L, -2);
        }
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)i);
        size_t element_length;
        lua_tolstring(L, -1, &element_length);
        spend_bytes(L, element_length + length);
        luaL_addvalue(&text);
        if (i == last) break;
        luaL_addlstring(&text, separator, length);
    }
    luaL_pushresult(&text);
    return 1;
}

static int pack(lua_State *L) {
    int count = lua_gettop(L);
    lua_createtable(L, count, 1);
    lua_insert(L, 1);
    for (int i = count; i >= 1; i--) {
        spend(L, 1);
        lua_seti(L, 1, i);
    }
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 1;
}

static int unpack(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = lua_isnoneornil(L, 3) ? (lua_Integer)lua_rawlen(L, 1) : luaL_checkinteger(L, 3);
    if (first > last) return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
    if (count >= 1000000 || !lua_checkstack(L, (int)count + 1)) return luaL_error(L, "too many results to unpack");
    expect_long_instructions(owner(L), (size_t)count * 16);
    for (lua_Unsigned i = 0; i <= count; i++) {
        spend(L, 1);
        lua_geti(L, 1, first + (lua_Integer)i);
    }
    return (int)count + 1;
}

/// A stable merge sort from the bottom up.
static const char sort_source[] =
    "local function merge(from, to, low, middle, high, less)\n"
    "    local left, right = low, middle\n"
    "    for i = low, high - 1 do\n"
    "        local takes_right\n"
    "        if left >= middle then takes_right = true\n"
    "        elseif right >= high then takes_right = false\n"
    "        elseif less then takes_right = less(from[right], from[left])\n"
    "        else takes_right = from[right] < from[left] end\n"
    "        if takes_right then to[i] = from[right] right = right + 1\n"
    "        else to[i] = from[left] left = left + 1 end\n"
    "    end\n"
    "end\n"
    "return function(list, less)\n"
    "    local count = #list\n"
    "    local from, to = list, {}\n"
    "    local width = 1\n"
    "    while width < count do\n"
    "        for low = 1, count, 2 * width do\n"
    "            local middle, high = low + width, low + 2 * width\n"
    "            if middle > count + 1 then middle = count + 1 end\n"
    "            if high > count + 1 then high = count + 1 end\n"
    "            merge(from, to, low, middle, high, less)\n"
    "        end\n"
    "        from, to = to, from\n"
    "        width = 2 * width\n"
    "    end\n"
    "    if from ~= list then for i = 1, count do list[i] = from[i] end end\n"
    "end\n";

void open_tables(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"insert", insert}, {"remove", remove_element}, {"move", move}, {"concat", concat},
        {"pack", pack},     {"unpack", unpack},         {NULL, NULL},
    };
    luaL_newlib(L, functions);
    push_compiled(L, sort_source, "=table.sort");
    lua_call(L, 0, 1);
    lua_setfield(L, -2, "sort");
}

// Iteration

enum rank { rank_number, rank_string, rank_other };

struct place {
    enum rank rank;
    lua_Number number;
    const char *text;
    size_t length;
    /// Of the key in the unsorted list, which also decides among equals.
    lua_Integer index;
};

static struct place place_of(lua_State *L, int key, lua_Integer index) {
    struct place place = {.rank = rank_other, .index = index};
    if (lua_type(L, key) == LUA_TNUMBER) {
        place.rank = rank_number;
        place.number = lua_tonumber(L, key);
    } else if (lua_type(L, key) == LUA_TSTRING) {
        place.rank = rank_string;
        place.text = lua_tolstring(L, key, &place.length);
    } else if (lua_type(L, key) == LUA_TBOOLEAN) {
        place.number = lua_toboolean(L, key) - 2;
    }
    return place;
}

static int order_places(lua_State *L, const void *left, const void *right) {
    const struct place *a = left, *b = right;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    if (a->rank == rank_string) {
        int order = order_texts(L, a->text, a->length, b->text, b->length);
        if (order != 0) return order;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

/// Pushes a list of the keys in order, or nil if they are 1, 2, 3 ... anyway.
static void push_keys(lua_State *L, int table) {
    lua_Integer count = 0, length = (lua_Integer)lua_rawlen(L, table);
    bool is_list = true;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        count++;
        spend(L, 1);
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > length) is_list = false;
    }
    if (is_list) {
        lua_pushnil(L);
        return;
    }
    struct place *places = lua_newuserdatauv(L, (size_t)count * sizeof *places, 0);
    lua_createtable(L, (int)count, 0);
    int unsorted = lua_gettop(L);
    lua_Integer index = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        index++;
        spend(L, 2);
        places[index - 1] = place_of(L, -2, index);
        lua_pushvalue(L, -2);
        lua_rawseti(L, unsorted, index);
    }
    sort_elements(L, places, (size_t)count, sizeof *places, order_places);
    lua_createtable(L, (int)count, 0);
    for (index = 1; index <= count; index++) {
        spend(L, 1);
        lua_rawgeti(L, unsorted, places[index - 1].index);
        lua_rawseti(L, -2, index);
    }
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/// Upvalues: the table, its keys in order (nil for a list), how far it has come.
static int pairs_next(lua_State *L) {
    lua_Integer index = lua_tointeger(L, lua_upvalueindex(3));
    bool is_list = lua_isnil(L, lua_upvalueindex(2));
    for (;;) {
        spend(L, 1);
        index++;
        lua_settop(L, 0);
        if (is_list) {
            lua_pushinteger(L, index);
        } else if (lua_rawgeti(L, lua_upvalueindex(2), index) == LUA_TNIL) {
            break;
        }
        lua_pushvalue(L, -1);
        // A key that was removed meanwhile is passed over; a list ends at its first hole.
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || is_list) break;
    }
    lua_pushinteger(L, index);
    lua_replace(L, lua_upvalueindex(3));
    if (lua_gettop(L) == 2 && !lua_isnil(L, 2)) return 2;
    return lua_pushnil(L), 1;
}

int ordered_pairs(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    load_lazy(L, 1);
    push_keys(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_next, 3);
    return 1;
}

int ordered_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    load_lazy(L, 1);
    push_keys(L, 1);
    lua_Integer index = 0;
    bool is_list = lua_isnil(L, 3), is_found = lua_isnil(L, 2);
    if (is_list && lua_isinteger(L, 2)) {
        index = lua_tointeger(L, 2);
        is_found = true;
    }
    while (!is_found) {
        spend(L, 1);
        if (is_list || lua_rawgeti(L, 3, ++index) == LUA_TNIL) return luaL_error(L, "invalid key to 'next'");
        is_found = lua_rawequal(L, -1, 2);
        lua_pop(L, 1);
    }
    lua_settop(L, 3);
    if (is_list) {
        lua_pushinteger(L, index + 1);
    } else {
        lua_rawgeti(L, 3, index + 1);
    }
    if (lua_isnil(L, -1)) return 1;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) == LUA_TNIL) return lua_pushnil(L), 1;
    return 2;
}
