// One interpreter: its memory, its time, and the way of a run.
//
// Time. A count hook looks at the clock every 1,000 instructions: it yields the coroutine when the slice is over, and raises
// when the run's CPU time is. It does not fire inside C functions, so those of them that loop count their own steps, and the
// allocator counts bytes. One instruction on a long string (a comparison, a concatenation) may cost milliseconds: the first
// string of 64 KiB makes the hook fire more often, in proportion to its length.
//
// A run that is over cannot go on by catching the error: the sandbox's own pcall raises again, and so does every instruction.
//
// Memory. The allocator refuses what goes beyond the run's bound; Lua then collects all garbage and tries once more.

#include <stdio.h>
#include <time.h>

#include "Engine.h"

enum { instructions_per_check = 1000 };
static const size_t long_string_bytes = 64 * 1024;
static const size_t allocated_bytes_per_check = 4 * 1024 * 1024;
static const unsigned steps_per_check = 20 * 1000;
/// CPU time is a system call, so it is measured only once a run has taken this long by the cheap clock.
static const uint64_t unmeasured_nanoseconds = 5 * 1000 * 1000;
static const uint64_t nanoseconds_per_measurement = 1000 * 1000;
/// Enough that programs of one graph stay loaded, small enough that forgotten ones do not pile up.
static const int loaded_programs_max = 256;
/// Garbage that a run may leave to the next one.
static const size_t garbage_bytes_max = 256 * 1024;
/// Beyond its own size when new: an interpreter that has grown by more is given up.
static const size_t growth_bytes_max = 4 * 1024 * 1024;

static char programs_key, thread_key, globals_metatable_key;

// Time

static uint64_t read_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/// Charges the CPU time since the last measurement.
static void measure(mr_lua *lua, uint64_t now) {
    uint64_t cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    if (lua->is_cpu_known) {
        lua->cpu_charged += cpu - lua->cpu_last;
    } else {
        lua->cpu_charged = unmeasured_nanoseconds;
        lua->is_cpu_known = true;
    }
    lua->cpu_last = cpu;
    lua->last_check = now;
}

static bool has_used_its_time(mr_lua *lua, uint64_t now) {
    if (lua->is_over) return true;
    uint64_t pause = lua->is_cpu_known ? nanoseconds_per_measurement : unmeasured_nanoseconds;
    if (now - lua->last_check < pause) return false;
    measure(lua, now);
    lua->is_over = lua->cpu_charged >= lua->program.cpu_nanoseconds_max;
    return lua->is_over;
}

static void on_count(lua_State *L, lua_Debug *activation);

static void check_every(mr_lua *lua, int instructions) {
    lua->instructions_per_check = instructions;
    lua_sethook(lua->thread, on_count, LUA_MASKCOUNT, instructions);
}

static int raise_over(lua_State *L) {
    mr_lua *lua = owner(L);
    check_every(lua, 1);
    luaL_where(L, 0);
    if (lua_rawlen(L, -1) == 0) luaL_where(L, 1);
    lua_pushfstring(L, "%sused more than %d ms of CPU time", lua_tostring(L, -1),
                    (int)(lua->program.cpu_nanoseconds_max / 1000000));
    return lua_error(L);
}

static void on_count(lua_State *L, lua_Debug *activation) {
    (void)activation;
    mr_lua *lua = owner(L);
    uint64_t now = read_clock(CLOCK_MONOTONIC);
    if (has_used_its_time(lua, now)) raise_over(L);
    if (lua->slice_nanoseconds && now - lua->slice_start >= lua->slice_nanoseconds && lua_isyieldable(L)) {
        measure(lua, now);
        lua_yield(L, 0);
    }
}

void spend(lua_State *L, unsigned steps) {
    mr_lua *lua = owner(L);
    lua->steps += steps;
    if (lua->steps < steps_per_check) return;
    lua->steps = 0;
    if (has_used_its_time(lua, read_clock(CLOCK_MONOTONIC))) raise_over(L);
}

// Memory

/// Called while Lua allocates, where nothing may raise: the next instruction does.
static void check_soon(mr_lua *lua) {
    lua->allocated_since_check = 0;
    if (lua->is_running && has_used_its_time(lua, read_clock(CLOCK_MONOTONIC))) check_every(lua, 1);
}

static void check_more_often(mr_lua *lua, size_t string_bytes) {
    size_t instructions = instructions_per_check * long_string_bytes / string_bytes;
    if (instructions < 1) instructions = 1;
    if ((int)instructions < lua->instructions_per_check) check_every(lua, (int)instructions);
}

static void *allocate(void *context, void *block, size_t old_bytes, size_t bytes) {
    mr_lua *lua = context;
    size_t before = block ? old_bytes : 0;
    if (bytes == 0) {
        free(block);
        lua->used_bytes -= before;
        return NULL;
    }
    if (bytes > before && lua->used_bytes - before + bytes > lua->used_bytes_max) {
        check_soon(lua);
        return NULL;
    }
    void *grown = realloc(block, bytes);
    if (!grown) return NULL;
    lua->used_bytes = lua->used_bytes - before + bytes;
    if (bytes > before) lua->allocated_since_check += bytes - before;
    if (lua->allocated_since_check >= allocated_bytes_per_check) check_soon(lua);
    // For a new block, `old_bytes` is the kind of object (lua_Alloc in the manual).
    if (!block && old_bytes == LUA_TSTRING && bytes >= long_string_bytes && lua->is_running) check_more_often(lua, bytes);
    return grown;
}

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
    lua->instructions_per_check = instructions_per_check;
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
    lua->is_started = false;
    lua->is_over = false;
    lua->is_cpu_known = false;
    lua->cpu_charged = 0;
    lua->steps = 0;
    lua->output_bytes = 0;
    lua->allocated_since_check = 0;
    buffer_clear(&lua->result);
    buffer_clear(&lua->traceback);
    lua->used_bytes_max = lua->used_bytes + program->memory_bytes_max;
    lua->begun = protect(lua, prepare);
    if (lua->begun == MR_LUA_FINISHED) check_every(lua, instructions_per_check);
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

static int describe_failure(lua_State *L) {
    mr_lua *lua = owner(L);
    lua_State *thread = lua->thread;
    size_t count;
    if (lua_type(thread, -1) == LUA_TSTRING || lua_type(thread, -1) == LUA_TNUMBER) {
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

static mr_lua_status fail_run(mr_lua *lua, int status) {
    // What describes the failure needs some memory, and a program that failed for lack of it has none left.
    lua->used_bytes_max = SIZE_MAX;
    mr_lua_status described = protect(lua, describe_failure);
    if (status == LUA_ERRMEM || described != MR_LUA_FINISHED) {
        char message[80];
        snprintf(message, sizeof message, "needed more than %zu MiB of memory", lua->program.memory_bytes_max >> 20);
        fail(lua, message);
    }
    // The stack of a failed coroutine is of no further use.
    lua->thread = NULL;
    return MR_LUA_FAILED;
}

mr_lua_status mr_lua_resume(mr_lua *lua, uint64_t slice_nanoseconds) {
    if (lua->begun != MR_LUA_FINISHED) return lua->begun;
    lua->slice_nanoseconds = slice_nanoseconds;
    lua->slice_start = lua->last_check = read_clock(CLOCK_MONOTONIC);
    if (lua->is_cpu_known) lua->cpu_last = read_clock(CLOCK_THREAD_CPUTIME_ID);
    int count = 0;
    lua->is_running = true;
    int status = lua_resume(lua->thread, NULL, 0, &count);
    lua->is_running = false;
    if (status == LUA_YIELD) return MR_LUA_YIELDED;
    if (status != LUA_OK) return fail_run(lua, status);
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
