// One interpreter, and the way of a run.

#include <stdio.h>

#include "Engine.h"

/// Enough that programs of one graph stay loaded, small enough that forgotten ones do not pile up.
static const int loaded_programs_max = 256;
/// Garbage that a run may leave to the next one.
static const size_t garbage_bytes_max = 256 * 1024;
/// Beyond its own size when new: an interpreter that has grown by more is given up.
static const size_t growth_bytes_max = 4 * 1024 * 1024;

static char programs_key, thread_key, globals_metatable_key;

// Opening and closing

static int set_up(lua_State *L) {
    luaL_checkversion(L);
    open_numbers(L);
    open_globals(L);
    lua_createtable(L, 0, 1);
    lua_insert(L, -2);
    lua_setfield(L, -2, "__index");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &globals_metatable_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &programs_key);
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

mr_lua *mr_lua_open(void) {
    mr_lua *lua = calloc(1, sizeof *lua);
    if (!lua) return NULL;
    lua->used_bytes_max = SIZE_MAX;
    lua->state = lua_newstate(allocate, lua);
    if (!lua->state) {
        free(lua);
        return NULL;
    }
    *(mr_lua **)lua_getextraspace(lua->state) = lua;
    lua_pushcfunction(lua->state, set_up);
    if (lua_pcall(lua->state, 0, 0, 0) != LUA_OK) {
        mr_lua_close(lua);
        return NULL;
    }
    lua->base_bytes = lua->used_bytes;
    return lua;
}

void mr_lua_close(mr_lua *lua) {
    lua_close(lua->state);
    buffer_free(&lua->result);
    buffer_free(&lua->traceback);
    buffer_free(&lua->given);
    buffer_free(&lua->output);
    free(lua);
}

// Calling in protected mode, with the interpreter as the argument

static mr_lua_status fail(mr_lua *lua, const char *message) {
    lua->result.count = 0;
    buffer_append(&lua->result, message, strlen(message));
    return MR_LUA_FAILED;
}

static mr_lua_status protect(mr_lua *lua, lua_CFunction function) {
    lua_State *L = lua->state;
    lua_settop(L, 0);
    lua_pushcfunction(L, function);
    int status = lua_pcall(L, 0, 0, 0);
    if (status == LUA_OK) return MR_LUA_FINISHED;
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
    fail(lua, status == LUA_ERRMEM ? "ran out of memory" : message);
    lua_settop(L, 0);
    return MR_LUA_FAILED;
}

// Compiling

struct source {
    const char *text;
    size_t length;
    const char *name;
};

static int append_to_result(lua_State *L, const void *bytes, size_t count, void *context) {
    (void)L;
    return buffer_append(context, bytes, count) ? 0 : 1;
}

static int compile(lua_State *L) {
    struct source *source = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, source->text, source->length, source->name, "t") != LUA_OK) return lua_error(L);
    if (lua_dump(L, append_to_result, &owner(L)->result, 0) != 0) return luaL_error(L, "ran out of memory");
    return 0;
}

mr_lua_status mr_lua_compile(mr_lua *lua, const char *text, size_t length, const char *name) {
    struct source source = {text, length, name};
    lua_State *L = lua->state;
    buffer_clear(&lua->result);
    lua_settop(L, 0);
    lua_pushcfunction(L, compile);
    lua_pushlightuserdata(L, &source);
    int status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_OK) return MR_LUA_FINISHED;
    fail(lua, status == LUA_ERRMEM ? "ran out of memory" : lua_tostring(L, -1));
    lua_settop(L, 0);
    return MR_LUA_FAILED;
}

// Running

/// Pushes the program's function: loaded before, or now.
static void push_program(lua_State *L, mr_lua *lua) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &programs_key);
    if (lua_rawgeti(L, -1, (lua_Integer)lua->program.identity) == LUA_TFUNCTION) return;
    lua_pop(L, 1);
    if (lua->loaded_programs >= loaded_programs_max) {
        lua_newtable(L);
        lua_copy(L, -1, -2);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &programs_key);
        lua->loaded_programs = 0;
    }
    if (luaL_loadbufferx(L, lua->program.bytecode, lua->program.bytecode_length, "=program", "b") != LUA_OK) lua_error(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (lua_Integer)lua->program.identity);
    lua->loaded_programs++;
}

static int prepare(lua_State *L) {
    mr_lua *lua = owner(L);
    if (!lua->thread) {
        lua->thread = lua_newthread(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &thread_key);
    }
    push_program(L, lua);
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_metatable_key);
    lua_setmetatable(L, -2);
    push_lazy(L, MR_LUA_STATE);
    lua_setfield(L, -2, "state");
    if (lua->program.sees_nodes) {
        push_lazy(L, MR_LUA_NODES);
        lua_setfield(L, -2, "nodes");
    }
    // The one upvalue of a main function is its globals. A program that uses none has it all the same.
    lua_setupvalue(L, -2, 1);
    lua_xmove(L, lua->thread, 1);
    return 0;
}

void mr_lua_begin(mr_lua *lua, const mr_lua_program *program, const mr_lua_host *host) {
    lua->program = *program;
    lua->host = *host;
    lua->output_bytes = 0;
    buffer_clear(&lua->result);
    buffer_clear(&lua->traceback);
    lua->used_bytes_max = lua->used_bytes + program->memory_bytes_max;
    lua->begun = protect(lua, prepare);
    if (lua->begun == MR_LUA_FINISHED) start_limits(lua);
}

/// Runs on the main thread's stack, with what the program returned as the only value on the run's own.
static int convert(lua_State *L) {
    mr_lua *lua = owner(L);
    lua_xmove(lua->thread, L, 1);
    int kind = lua_type(L, 1);
    bool is_null = kind == LUA_TLIGHTUSERDATA;
    size_t bytes_max = lua->program.result_bytes_max;
    bool is_text = lua->program.form == MR_LUA_TEXT || lua->program.form == MR_LUA_QUOTED;
    if (lua->program.form == MR_LUA_TRUTH) {
        if (lua_toboolean(L, 1) && !is_null) buffer_append(&lua->result, "1", 1);
    } else if (is_text && kind == LUA_TNIL) {
        return 0;
    } else if (is_text && kind == LUA_TSTRING) {
        size_t count;
        const char *bytes = lua_tolstring(L, 1, &count);
        if (count > bytes_max) return luaL_error(L, "the text is longer than %d bytes", (int)bytes_max);
        if (lua->program.form == MR_LUA_QUOTED) {
            write_escaped(L, &lua->result, bytes, count, false, "the text");
        } else if (!buffer_append(&lua->result, bytes, count)) {
            return luaL_error(L, "ran out of memory");
        }
    } else if (lua->program.form == MR_LUA_OBJECT) {
        if (kind != LUA_TNIL && kind != LUA_TTABLE)
            return luaL_error(L, "returned a %s instead of a table", is_null ? "null" : luaL_typename(L, 1));
        if (kind == LUA_TNIL) lua_newtable(L);
        write_json(L, -1, &lua->result, bytes_max, "the result");
        if (lua->result.bytes[0] == '[') return luaL_error(L, "returned an array instead of a table with string keys");
    } else if (lua->program.form == MR_LUA_QUOTED) {
        write_json(L, 1, &lua->traceback, bytes_max, "the result");
        write_escaped(L, &lua->result, lua->traceback.bytes, lua->traceback.count, false, "the result");
        lua->traceback.count = 0;
    } else {
        write_json(L, 1, &lua->result, bytes_max, "the result");
    }
    return 0;
}

/// Pushes `code:3: `, or nothing, for where the run stands.
static void push_place(lua_State *L, lua_State *thread) {
    lua_Debug activation;
    for (int level = 0; lua_getstack(thread, level, &activation); level++) {
        lua_getinfo(thread, "Sl", &activation);
        if (activation.currentline <= 0) continue;
        lua_pushfstring(L, "%s:%d: ", activation.short_src, activation.currentline);
        return;
    }
    lua_pushliteral(L, "");
}

static int describe_failure(lua_State *L) {
    mr_lua *lua = owner(L);
    lua_State *thread = lua->thread;
    size_t count;
    if (lua->is_over) {
        push_place(L, thread);
        lua_pushfstring(L, "%sused more than %d ms of CPU time", lua_tostring(L, -1),
                        (int)(lua->program.cpu_nanoseconds_max / 1000000));
    } else if (lua_type(thread, -1) == LUA_TSTRING || lua_type(thread, -1) == LUA_TNUMBER) {
        lua_xmove(thread, L, 1);
    } else {
        lua_pushfstring(L, "raised a %s", luaL_typename(thread, -1));
    }
    const char *message = lua_tolstring(L, -1, &count);
    lua->result.count = 0;
    buffer_append(&lua->result, message, count);
    luaL_traceback(L, thread, NULL, 0);
    message = lua_tolstring(L, -1, &count);
    lua->traceback.count = 0;
    buffer_append(&lua->traceback, message, count);
    return 0;
}

static mr_lua_status fail_run(mr_lua *lua) {
    // What describes the failure needs some memory, and a program that failed for lack of it has none left.
    lua->used_bytes_max = SIZE_MAX;
    if (lua->is_out_of_memory || protect(lua, describe_failure) != MR_LUA_FINISHED) {
        char message[80];
        snprintf(message, sizeof message, "needed more than %zu MiB of memory", lua->program.memory_bytes_max >> 20);
        fail(lua, message);
    }
    // The stack of a coroutine that did not finish is of no further use.
    lua->thread = NULL;
    return MR_LUA_FAILED;
}

mr_lua_status mr_lua_resume(mr_lua *lua, uint64_t slice_nanoseconds) {
    if (lua->begun != MR_LUA_FINISHED) return lua->begun;
    start_slice(lua, slice_nanoseconds);
    int count = 0;
    lua->is_running = true;
    int status = lua_resume(lua->thread, NULL, 0, &count);
    lua->is_running = false;
    if (status == LUA_ERRMEM) lua->is_out_of_memory = true;
    bool is_ended = lua->is_over || lua->is_out_of_memory;
    if (status == LUA_YIELD && !is_ended) return MR_LUA_YIELDED;
    if (status != LUA_OK) return lua->begun = fail_run(lua);
    lua_settop(lua->thread, 1);
    lua->begun = protect(lua, convert);
    return lua->begun;
}

static int collect(lua_State *L) {
    return lua_gc(L, LUA_GCCOLLECT), 0;
}

bool mr_lua_end(mr_lua *lua) {
    lua->used_bytes_max = SIZE_MAX;
    lua_settop(lua->state, 0);
    if (lua->thread && lua_status(lua->thread) == LUA_OK) {
        lua_settop(lua->thread, 0);
    } else {
        // Given up between two slices, or failed.
        lua->thread = NULL;
    }
    if (lua->used_bytes > lua->base_bytes + garbage_bytes_max) protect(lua, collect);
    lua->host = (mr_lua_host){0};
    buffer_clear(&lua->given);
    buffer_clear(&lua->output);
    return lua->used_bytes <= lua->base_bytes + growth_bytes_max;
}

const char *mr_lua_result(const mr_lua *lua, size_t *length) {
    *length = lua->result.count;
    return lua->result.bytes;
}

const char *mr_lua_traceback(const mr_lua *lua, size_t *length) {
    *length = lua->traceback.count;
    return lua->traceback.bytes;
}

void mr_lua_give(mr_lua *lua, const void *json, size_t length) {
    lua->given.count = 0;
    buffer_append(&lua->given, json, length);
}
