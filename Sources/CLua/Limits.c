// The limits of a run.
//
// Time. A count hook looks at the clock every 1,000 instructions: it yields the coroutine when the slice is over, and raises
// when the run's CPU time is. It does not fire inside C functions, so those of them that loop count their own steps, and the
// allocator counts bytes. One instruction on a long string (a comparison, a concatenation) may cost milliseconds: the first
// string of 64 KiB makes the hook fire more often, in proportion to its length.
//
// A run that is over is not unwound: its coroutine yields and is never resumed, so that no pcall sees anything, and it costs
// nothing how deep the calls were. Only below a callback from C, where a coroutine cannot yield, an error is raised; the
// sandbox's own pcall passes it on, and so does every instruction.
//
// Memory. The allocator refuses what goes beyond the run's bound; Lua then collects all garbage and tries once more.
//
// Stack. Lua allows 200 calls from C into Lua; where such a call needs much of the thread's stack, what is used is measured.

#include <time.h>

#include "Engine.h"

enum { instructions_per_check = 1000 };
static const size_t long_string_bytes = 64 * 1024;
static const size_t allocated_bytes_per_check = 4 * 1024 * 1024;
static const unsigned steps_per_check = 20 * 1000;
/// CPU time is a system call, so it is measured only once a run has taken this long by the cheap clock.
static const uint64_t unmeasured_nanoseconds = 5 * 1000 * 1000;
static const uint64_t nanoseconds_per_measurement = 1000 * 1000;
/// A quarter of what a worker thread has.
static const size_t stack_bytes_max = 128 * 1024;

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

int give_up(lua_State *L) {
    mr_lua *lua = owner(L);
    if (lua_isyieldable(L)) return lua_yield(L, 0);
    if (lua->is_running) check_every(lua, 1);
    return luaL_error(L, "used more than %d ms of CPU time", (int)(lua->program.cpu_nanoseconds_max / 1000000));
}

static void on_count(lua_State *L, lua_Debug *activation) {
    (void)activation;
    mr_lua *lua = owner(L);
    uint64_t now = read_clock(CLOCK_MONOTONIC);
    if (has_used_its_time(lua, now)) {
        // Within a hook, yielding returns.
        give_up(L);
    } else if (lua->slice_nanoseconds && now - lua->slice_start >= lua->slice_nanoseconds && lua_isyieldable(L)) {
        measure(lua, now);
        lua_yield(L, 0);
    }
}

void spend(lua_State *L, unsigned steps) {
    mr_lua *lua = owner(L);
    lua->steps += steps;
    if (lua->steps < steps_per_check) return;
    lua->steps = 0;
    if (has_used_its_time(lua, read_clock(CLOCK_MONOTONIC))) give_up(L);
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

void *allocate(void *context, void *block, size_t old_bytes, size_t bytes) {
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

// A run and its slices

void start_limits(mr_lua *lua) {
    lua->is_over = false;
    lua->is_out_of_memory = false;
    lua->is_cpu_known = false;
    lua->cpu_charged = 0;
    lua->steps = 0;
    lua->allocated_since_check = 0;
    check_every(lua, instructions_per_check);
}

void start_slice(mr_lua *lua, uint64_t nanoseconds) {
    lua->slice_nanoseconds = nanoseconds;
    lua->slice_start = lua->last_check = read_clock(CLOCK_MONOTONIC);
    if (lua->is_cpu_known) lua->cpu_last = read_clock(CLOCK_THREAD_CPUTIME_ID);
    lua->stack_start = __builtin_frame_address(0);
}

void check_stack(lua_State *L) {
    const char *here = __builtin_frame_address(0);
    if ((size_t)(owner(L)->stack_start - here) > stack_bytes_max) luaL_error(L, "stack overflow");
}

uint64_t mr_lua_cpu_nanoseconds(const mr_lua *lua) {
    if (lua->is_cpu_known) return lua->cpu_charged;
    uint64_t elapsed = read_clock(CLOCK_MONOTONIC) - lua->slice_start;
    return elapsed < unmeasured_nanoseconds ? elapsed : unmeasured_nanoseconds;
}
