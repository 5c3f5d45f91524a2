// One interpreter, and the way of a run.

#include <stdio.h>

#include "Engine.h"

/// Enough that programs of one graph stay loaded, small enough that forgotten ones do not pile up.
static const int loaded_programs_max = 256;
/// Beyond its own size when new: making an interpreter anew costs less than collecting so much garbage.
static const size_t growth_bytes_max = 512 * 1024;
/// Compiling the longest source needs some 30 MiB.
static const size_t compiling_bytes_max = 64 * 1024 * 1024;
/// Between two looks at the clock: what the compiler does with so much source is short even where it walks a long chain of
/// jumps for each operator.
static const size_t source_piece_bytes = 32;

static char programs_key, globals_metatable_key;

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

/// The body of the fiber.
static void serve(void *context) {
    mr_lua *lua = context;
    for (;;) {
        lua->outcome = lua->task(lua);
        stop_limits(lua);
        fiber_leave(&lua->fiber);
    }
}

mr_lua *mr_lua_open(void) {
    mr_lua *lua = calloc(1, sizeof *lua);
    if (!lua) return NULL;
    lua->used_bytes_max = lua->granted_bytes = SIZE_MAX;
    lua->state = lua_newstate(allocate, lua);
    if (!lua->state || !fiber_open(&lua->fiber, serve, lua)) {
        mr_lua_close(lua);
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
    // All that Lua has is in the heap.
    fiber_close(&lua->fiber);
    heap_close(&lua->heap);
    buffer_free(&lua->result);
    buffer_free(&lua->traceback);
    buffer_free(&lua->given);
    buffer_free(&lua->output);
    buffer_free(&lua->code);
    free(lua);
}

/// Calls the function below its arguments. Without a handler, the message of an error becomes the result.
static mr_lua_status call(mr_lua *lua, int arguments, int results, int handler) {
    lua_State *L = lua->state;
    switch (lua_pcall(L, arguments, results, handler)) {
    case LUA_OK: return MR_LUA_FINISHED;
    case LUA_ERRMEM:
        if (lua->is_compiling) return fail(lua, "ran out of memory");
        end_without_memory(lua);
    case LUA_ERRRUN:
        if (handler) return MR_LUA_FAILED;
        return fail(lua, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error");
    default: return fail(lua, "stack overflow");
    }
}

// Compiling

static const char *read_source(lua_State *L, void *context, size_t *count) {
    mr_lua *lua = context;
    size_t left = lua->code.count - lua->code_read;
    *count = left < source_piece_bytes ? left : source_piece_bytes;
    const char *piece = lua->code.bytes + lua->code_read;
    lua->code_read += *count;
    spend(L, SIZE_MAX / 2);
    return *count > 0 ? piece : NULL;
}

static int compile(lua_State *L) {
    mr_lua *lua = owner(L);
    compile_source(L, read_source, lua, lua->code_name, &lua->result);
    return 0;
}

static mr_lua_status compile_task(mr_lua *lua) {
    start_limits(lua, lua->cpu_nanoseconds_max, compiling_bytes_max);
    lua_pushcfunction(lua->state, compile);
    return call(lua, 0, 0, 0);
}

static void make_ready(mr_lua *lua, mr_lua_status (*task)(mr_lua *), bool is_compiling) {
    lua->task = task;
    lua->is_compiling = is_compiling;
    lua->is_begun = false;
    lua->outcome = MR_LUA_YIELDED;
    lua->granted_bytes = SIZE_MAX;
    lua->begun_bytes = lua->used_bytes;
    lua->output_bytes = 0;
    lua->code_read = 0;
    buffer_clear(&lua->code);
    buffer_clear(&lua->result);
    buffer_clear(&lua->traceback);
}

void mr_lua_compile(mr_lua *lua, const char *text, size_t length, const char *name, uint64_t cpu_nanoseconds_max) {
    make_ready(lua, compile_task, true);
    lua->cpu_nanoseconds_max = cpu_nanoseconds_max;
    snprintf(lua->code_name, sizeof lua->code_name, "%s", name);
    if (!buffer_append(&lua->code, text, length)) lua->outcome = fail(lua, "ran out of memory");
}

// Running

static const char *read_bytecode(lua_State *L, void *context, size_t *count) {
    (void)L;
    mr_lua *lua = context;
    *count = lua->code.count - lua->code_read;
    lua->code_read = lua->code.count;
    return *count > 0 ? lua->code.bytes : NULL;
}

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
    if (lua_load(L, read_bytecode, lua, "=program", "b") != LUA_OK) lua_error(L);
    set_null(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (lua_Integer)lua->program.identity);
    lua->loaded_programs++;
}

static int prepare(lua_State *L) {
    mr_lua *lua = owner(L);
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
    // The first upvalue of a main function is its globals. A program that uses none has it all the same.
    lua_setupvalue(L, -2, 1);
    return 1;
}

/// Writes the value at 1, which the program returned, in the form that was asked for.
static int convert(lua_State *L) {
    mr_lua *lua = owner(L);
    int kind = lua_type(L, 1);
    size_t bytes_max = lua->program.result_bytes_max;
    bool is_text = lua->program.form == MR_LUA_TEXT || lua->program.form == MR_LUA_QUOTED;
    if (lua->program.form == MR_LUA_TRUTH) {
        if (is_true(L, 1)) buffer_append(&lua->result, "1", 1);
    } else if (is_text && kind == LUA_TNIL) {
        return 0;
    } else if (is_text && kind == LUA_TSTRING) {
        size_t count;
        const char *bytes = lua_tolstring(L, 1, &count);
        if (lua->program.form == MR_LUA_QUOTED) {
            write_escaped(L, &lua->result, bytes_max, bytes, count, false, "the text");
        } else if (count > bytes_max) {
            return luaL_error(L, "the text is longer than %d bytes", (int)bytes_max);
        } else if (!buffer_append_granted(lua, &lua->result, bytes, count)) {
            return luaL_error(L, "ran out of memory");
        }
    } else if (lua->program.form == MR_LUA_OBJECT) {
        if (kind != LUA_TNIL && kind != LUA_TTABLE)
            return luaL_error(L, "returned a %s instead of a table",
                              kind == LUA_TLIGHTUSERDATA ? "null" : luaL_typename(L, 1));
        if (kind == LUA_TNIL) lua_newtable(L);
        write_json(L, -1, &lua->result, bytes_max, "the result");
        if (lua->result.bytes[0] == '[') return luaL_error(L, "returned an array instead of a table with string keys");
    } else if (lua->program.form == MR_LUA_QUOTED) {
        write_json(L, 1, &lua->traceback, bytes_max, "the result");
        write_escaped(L, &lua->result, bytes_max, lua->traceback.bytes, lua->traceback.count, false, "the result");
        lua->traceback.count = 0;
    } else {
        write_json(L, 1, &lua->result, bytes_max, "the result");
    }
    return 0;
}

static mr_lua_status run_task(mr_lua *lua) {
    lua_State *L = lua->state;
    start_limits(lua, lua->program.cpu_nanoseconds_max, lua->program.memory_bytes_max);
    lua_pushcfunction(L, handle_error);
    lua_pushcfunction(L, prepare);
    if (call(lua, 0, 1, 1) != MR_LUA_FINISHED) return MR_LUA_FAILED;
    if (call(lua, 0, 1, 1) != MR_LUA_FINISHED) return MR_LUA_FAILED;
    lua_pushcfunction(L, convert);
    lua_insert(L, 2);
    mr_lua_status status = call(lua, 1, 0, 0);
    if (status != MR_LUA_FINISHED) lua->traceback.count = 0;
    return status;
}

static bool is_loaded(mr_lua *lua, uint64_t identity) {
    lua_State *L = lua->state;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &programs_key);
    bool is_loaded = lua_rawgeti(L, -1, (lua_Integer)identity) == LUA_TFUNCTION;
    lua_settop(L, 0);
    return is_loaded;
}

void mr_lua_begin(mr_lua *lua, const mr_lua_program *program, const mr_lua_host *host) {
    make_ready(lua, run_task, false);
    lua->program = *program;
    lua->program.bytecode = NULL;
    lua->host = *host;
    if (is_loaded(lua, program->identity)) return;
    if (!buffer_append(&lua->code, program->bytecode, program->bytecode_length))
        lua->outcome = fail(lua, "ran out of memory");
}

void mr_lua_grant(mr_lua *lua, size_t bytes) {
    lua->granted_bytes = bytes < SIZE_MAX - lua->begun_bytes ? lua->begun_bytes + bytes : SIZE_MAX;
    if (lua->outcome == MR_LUA_SHORT) lua->outcome = MR_LUA_YIELDED;
}

mr_lua_status mr_lua_resume(mr_lua *lua, uint64_t slice_nanoseconds) {
    if (lua->outcome != MR_LUA_YIELDED) return lua->outcome;
    if (!lua->is_begun) lua->is_cpu_known = false;
    lua->is_begun = true;
    start_slice(lua, slice_nanoseconds);
    lua->is_inside = true;
    fiber_enter(&lua->fiber);
    lua->is_inside = false;
    return lua->outcome;
}

bool mr_lua_end(mr_lua *lua) {
    bool has_ended = lua->outcome == MR_LUA_FINISHED || lua->outcome == MR_LUA_FAILED;
    if (lua->is_abandoned || (lua->is_begun && !has_ended)) return false;
    lua_settop(lua->state, 0);
    lua->host = (mr_lua_host){0};
    buffer_clear(&lua->given);
    buffer_clear(&lua->output);
    buffer_clear(&lua->code);
    forget_written(lua);
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
    if (lua->given.capacity <= length) {
        // As much as it takes: it does not grow.
        buffer_free(&lua->given);
        lua->given.bytes = malloc(length + 1);
        if (!lua->given.bytes) return;
        lua->given.capacity = length + 1;
    }
    buffer_append(&lua->given, json, length);
}
