// The limits of a run.
//
// Time. A count hook looks at the clock every 1,000 instructions. It does not fire inside C functions, so those of them that
// loop count their own steps (`spend`), and the allocator counts blocks and bytes, which also covers Lua's compiler and its
// collector. When the slice is over, the fiber is left and goes on later from the very place. One instruction on a long string
// (a comparison, a concatenation) may cost milliseconds: the first string of 64 KiB makes the hook fire more often, in
// proportion to its length.
//
// A run that is over is not unwound: its fiber is left for good, so that no pcall sees anything, and it costs nothing how deep
// the calls were. Within the allocator Lua cannot be asked where it stands, so the end waits for the next instruction there, but
// not for long.
//
// Memory. The allocator refuses what goes beyond the run's bound; Lua then collects all garbage and tries once more. All runs
// together are bounded by what they are granted: one that needs more leaves its fiber until that has been granted.
//
// Stack. Lua allows 200 calls from C into Lua; where such a call needs much of the fiber's stack, what is used is measured.

#include <stdio.h>
#include <time.h>

#include "Engine.h"

enum { instructions_per_check = 1000 };
static const size_t long_string_bytes = 64 * 1024;
static const size_t allocated_bytes_per_check = 1024 * 1024;
/// Freeing many small blocks is what sweeping garbage is.
static const unsigned blocks_per_check = 4096;
/// Some 100 µs, at about 25 ns a step.
static const unsigned steps_per_check = 4096;
/// CPU time is a system call, so it is measured only once a run has taken this long by the cheap clock.
static const uint64_t unmeasured_nanoseconds = 200 * 1000;
static const uint64_t nanoseconds_per_measurement = 1000 * 1000;
/// Beyond its time, for a run to come to a place where it can say where it is.
static const uint64_t grace_nanoseconds = 20 * 1000 * 1000;

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
    uint64_t pause = lua->is_cpu_known ? nanoseconds_per_measurement : unmeasured_nanoseconds;
    if (now - lua->last_check >= pause) measure(lua, now);
    return lua->cpu_charged >= lua->cpu_nanoseconds_max;
}

static void pause_if_due(mr_lua *lua, uint64_t now) {
    if (!lua->slice_nanoseconds || now - lua->slice_start < lua->slice_nanoseconds) return;
    measure(lua, now);
    lua->outcome = MR_LUA_YIELDED;
    fiber_leave(&lua->fiber);
}

static _Noreturn void end(mr_lua *lua) {
    lua->outcome = MR_LUA_FAILED;
    lua->is_abandoned = true;
    fiber_leave(&lua->fiber);
    abort();
}

void end_without_memory(mr_lua *lua) {
    char message[80];
    snprintf(message, sizeof message, "needed more than %zu MiB of memory", lua->program.memory_bytes_max >> 20);
    lua->traceback.count = 0;
    fail(lua, message);
    end(lua);
}

/// For places where Lua can be asked where it stands.
static void check(lua_State *L) {
    mr_lua *lua = owner(L);
    uint64_t now = read_clock(CLOCK_MONOTONIC);
    if (has_used_its_time(lua, now)) {
        // Nothing ends or pauses the description itself.
        lua->is_inside = false;
        lua->used_bytes_max = SIZE_MAX;
        describe_end_of_time(L);
        end(lua);
    }
    pause_if_due(lua, now);
}

static void on_count(lua_State *L, lua_Debug *activation) {
    (void)activation;
    if (owner(L)->is_inside) check(L);
}

static void check_every(mr_lua *lua, int instructions) {
    lua->instructions_per_check = instructions;
    lua_sethook(lua->state, on_count, LUA_MASKCOUNT, instructions);
}

void spend(lua_State *L, size_t steps) {
    mr_lua *lua = owner(L);
    size_t sum = lua->steps + steps;
    lua->steps = sum < steps_per_check ? (unsigned)sum : 0;
    if (sum >= steps_per_check && lua->is_inside) check(L);
}

void expect_long_instructions(mr_lua *lua, size_t bytes) {
    if (bytes < long_string_bytes || lua->is_compiling) return;
    size_t instructions = instructions_per_check * long_string_bytes / bytes;
    if (instructions < 1) instructions = 1;
    if ((int)instructions < lua->instructions_per_check) check_every(lua, (int)instructions);
}

// Memory

/// Called while Lua allocates, where it must not be asked for anything: it says where it stands at its next instruction.
static void check_within_allocator(mr_lua *lua) {
    lua->allocated_since_check = 0;
    lua->blocks_since_check = 0;
    uint64_t now = read_clock(CLOCK_MONOTONIC);
    if (has_used_its_time(lua, now)) {
        if (lua->cpu_charged >= lua->cpu_nanoseconds_max + grace_nanoseconds) {
            describe_end_of_time(lua->state);
            end(lua);
        }
        if (!lua->is_compiling && lua->instructions_per_check != 1) check_every(lua, 1);
    }
    pause_if_due(lua, now);
}

bool is_granted(const mr_lua *lua, size_t more_bytes) {
    size_t buffers = lua->result.capacity + lua->traceback.capacity + lua->given.capacity + lua->output.capacity;
    return lua->used_bytes + buffers + more_bytes <= lua->granted_bytes;
}

void expect_grant(mr_lua *lua, size_t more_bytes) {
    while (!is_granted(lua, more_bytes)) {
        measure(lua, read_clock(CLOCK_MONOTONIC));
        lua->outcome = MR_LUA_SHORT;
        fiber_leave(&lua->fiber);
    }
}

void *allocate(void *context, void *block, size_t old_bytes, size_t bytes) {
    mr_lua *lua = context;
    size_t before = block ? old_bytes : 0;
    if (lua->is_inside) {
        if (bytes > before) lua->allocated_since_check += bytes - before;
        lua->blocks_since_check++;
        if (lua->allocated_since_check >= allocated_bytes_per_check || lua->blocks_since_check >= blocks_per_check)
            check_within_allocator(lua);
    }
    if (bytes == 0) {
        if (block) heap_free(&lua->heap, block, before);
        lua->used_bytes -= before;
        return NULL;
    }
    if (bytes > before && lua->used_bytes - before + bytes > lua->used_bytes_max) {
        // What follows is a full collection.
        if (lua->is_inside) check_within_allocator(lua);
        return NULL;
    }
    if (bytes > before && lua->is_inside) expect_grant(lua, bytes - before);
    void *grown = block ? heap_resize(&lua->heap, block, before, bytes) : heap_allocate(&lua->heap, bytes);
    if (!grown) return NULL;
    lua->used_bytes = lua->used_bytes - before + bytes;
    // For a new block, `old_bytes` is the kind of object (lua_Alloc in the manual).
    if (!block && old_bytes == LUA_TSTRING && lua->is_inside) expect_long_instructions(lua, bytes);
    return grown;
}

// A run and its slices

void start_limits(mr_lua *lua, uint64_t cpu_nanoseconds_max, size_t memory_bytes_max) {
    lua->cpu_nanoseconds_max = cpu_nanoseconds_max;
    lua->used_bytes_max = lua->used_bytes + memory_bytes_max;
    lua->is_cpu_known = false;
    lua->cpu_charged = 0;
    lua->steps = 0;
    lua->allocated_since_check = 0;
    lua->blocks_since_check = 0;
    lua->instructions_per_check = 0;
    if (!lua->is_compiling) check_every(lua, instructions_per_check);
}

void stop_limits(mr_lua *lua) {
    if (lua->is_cpu_known) measure(lua, read_clock(CLOCK_MONOTONIC));
    lua->used_bytes_max = SIZE_MAX;
    lua_sethook(lua->state, NULL, 0, 0);
}

void start_slice(mr_lua *lua, uint64_t nanoseconds) {
    lua->slice_nanoseconds = nanoseconds;
    lua->slice_start = lua->last_check = read_clock(CLOCK_MONOTONIC);
    if (lua->is_cpu_known) lua->cpu_last = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void check_stack(lua_State *L) {
    const char *here = __builtin_frame_address(0);
    if ((size_t)(here - owner(L)->fiber.stack) < fiber_stack_bytes / 2) luaL_error(L, "stack overflow");
}

uint64_t mr_lua_cpu_nanoseconds(const mr_lua *lua) {
    if (lua->is_cpu_known) return lua->cpu_charged;
    uint64_t elapsed = read_clock(CLOCK_MONOTONIC) - lua->slice_start;
    return elapsed < unmeasured_nanoseconds ? elapsed : unmeasured_nanoseconds;
}
