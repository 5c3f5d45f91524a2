// How a run says that it has failed, and where.

#define _GNU_SOURCE
#include <stdio.h>

#include "Engine.h"

mr_lua_status fail(mr_lua *lua, const char *message) {
    size_t count = strlen(message);
    lua->result.count = 0;
    buffer_append(&lua->result, message, count < message_bytes_max ? count : message_bytes_max);
    return MR_LUA_FAILED;
}

static void set_traceback(lua_State *L, int level) {
    mr_lua *lua = owner(L);
    size_t count;
    luaL_traceback(L, L, NULL, level);
    const char *traceback = lua_tolstring(L, -1, &count);
    lua->traceback.count = 0;
    buffer_append(&lua->traceback, traceback, count < message_bytes_max ? count : message_bytes_max);
    lua_pop(L, 1);
}

/// The one light userdata that a program can meet is null, so what Lua says of it can be said in plain words.
static void append_message(buffer *buffer, const char *message, size_t count) {
    static const char lua_name[] = "a userdata value", plain_name[] = "a null value";
    if (count > message_bytes_max) count = message_bytes_max;
    const char *found = memmem(message, count, lua_name, sizeof lua_name - 1);
    if (!found) {
        buffer_append(buffer, message, count);
        return;
    }
    size_t before = (size_t)(found - message), behind = before + sizeof lua_name - 1;
    buffer_append(buffer, message, before);
    buffer_append(buffer, plain_name, sizeof plain_name - 1);
    buffer_append(buffer, message + behind, count - behind);
}

int handle_error(lua_State *L) {
    mr_lua *lua = owner(L);
    lua->used_bytes_max = SIZE_MAX;
    lua->result.count = 0;
    if (lua_type(L, 1) == LUA_TSTRING || lua_type(L, 1) == LUA_TNUMBER) {
        size_t count;
        const char *message = lua_tolstring(L, 1, &count);
        append_message(&lua->result, message, count);
    } else {
        char message[40];
        snprintf(message, sizeof message, "raised a %s", luaL_typename(L, 1));
        fail(lua, message);
    }
    set_traceback(L, 1);
    return 0;
}

void describe_end_of_time(lua_State *L) {
    mr_lua *lua = owner(L);
    char message[200], place[80] = "";
    lua_Debug activation;
    bool can_ask = !lua->is_inside && !lua->is_compiling;
    for (int level = 0; can_ask && lua_getstack(L, level, &activation); level++) {
        lua_getinfo(L, "Sl", &activation);
        if (activation.currentline <= 0) continue;
        snprintf(place, sizeof place, "%s:%d: ", activation.short_src, activation.currentline);
        break;
    }
    if (lua->is_compiling) snprintf(place, sizeof place, "%s: ", lua->code_name + (lua->code_name[0] == '='));
    const char *purpose = lua->is_compiling ? " to compile" : "";
    snprintf(message, sizeof message, "%sused more than %d ms of CPU time%s", place,
             (int)(lua->cpu_nanoseconds_max / 1000000), purpose);
    lua->traceback.count = 0;
    fail(lua, message);
    if (can_ask && lua_checkstack(L, LUA_MINSTACK)) set_traceback(L, 0);
}
