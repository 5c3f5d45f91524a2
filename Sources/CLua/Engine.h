// What the parts of the sandbox share. Functions that take a lua_State may raise a Lua error, others never do.

#ifndef CLUA_ENGINE_H
#define CLUA_ENGINE_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "CLua.h"

/// Nesting of JSON values in both directions; below Lua's own bound on C calls (200).
#define DEPTH_MAX 128

typedef struct buffer {
    char *bytes;
    size_t count;
    size_t capacity;
} buffer;

typedef struct path_step {
    /// NULL for an element of an array.
    const char *key;
    size_t key_length;
    lua_Integer index;
} path_step;

struct mr_lua {
    lua_State *state;
    /// The coroutine of the current run, anchored in the registry.
    lua_State *thread;
    mr_lua_program program;
    mr_lua_host host;
    mr_lua_status begun;
    bool is_running;

    buffer result;
    buffer traceback;
    buffer given;
    buffer output;
    size_t output_bytes;

    size_t used_bytes;
    size_t used_bytes_max;
    /// What was in use when the interpreter was new.
    size_t base_bytes;
    size_t allocated_since_check;
    int instructions_per_check;

    uint64_t slice_nanoseconds;
    uint64_t slice_start;
    uint64_t last_check;
    uint64_t cpu_charged;
    uint64_t cpu_last;
    bool is_cpu_known;
    /// The run has used up its time: whatever it still does raises again.
    bool is_over;
    /// It ran out of memory, and must not handle that itself.
    bool is_out_of_memory;
    unsigned steps;
    const char *stack_start;

    int loaded_programs;
    const void *array_metatable;
    const void *number_metatable;
    path_step path[DEPTH_MAX + 1];
};

static inline mr_lua *owner(lua_State *L) {
    return *(mr_lua **)lua_getextraspace(L);
}

// Limits.c
void *allocate(void *context, void *block, size_t old_bytes, size_t bytes);
/// The run begins: its coroutine exists.
void start_limits(mr_lua *lua);
void start_slice(mr_lua *lua, uint64_t nanoseconds);
/// Raises if the run has used too much of its thread's stack.
void check_stack(lua_State *L);
/// Ends the run, which is over or out of memory: yields for good, or raises where that is not possible.
int give_up(lua_State *L);
/// Counts work done in C, where no instruction hook fires, and raises once the run's time is over.
void spend(lua_State *L, unsigned steps);

// Buffer.c
bool buffer_append(buffer *buffer, const void *bytes, size_t count);
void buffer_clear(buffer *buffer);
void buffer_free(buffer *buffer);

// JSONReading.c
/// Pushes the value that valid JSON stands for. The byte behind the end must be readable and 0.
void push_json(lua_State *L, const char *json, size_t length);

// JSONWriting.c
/// Appends a value as JSON to the buffer, which may grow to `bytes_max`. `root` names the value in messages.
void write_json(lua_State *L, int index, buffer *buffer, size_t bytes_max, const char *root);
/// Appends a string's content, escaped. Invalid UTF-8 is refused, or replaced.
void write_escaped(lua_State *L, buffer *buffer, const char *bytes, size_t count, bool replaces, const char *root);
/// The shortest text that reads back as the same number. Returns its length.
int write_double(char text[32], double number);

// Numbers.c
/// Whether the value is a number that Lua cannot hold, and is kept as it was written.
bool is_written_number(lua_State *L, int index);
const char *written_number(lua_State *L, int index, size_t *length);
void push_number(lua_State *L, const char *token, size_t length);
void open_numbers(lua_State *L);

// Globals.c, Lazy.c, Strings.c, PatternFunctions.c, Tables.c
void open_globals(lua_State *L);
void push_shown(lua_State *L, int index);
void push_lazy(lua_State *L, mr_lua_table table);
/// Fetches what a lazy table has not fetched yet; does nothing for other tables.
void load_lazy(lua_State *L, int index);
void open_strings(lua_State *L);
int find_string(lua_State *L);
int match_string(lua_State *L);
int gmatch_string(lua_State *L);
int gsub_string(lua_State *L);
void open_tables(lua_State *L);
int ordered_next(lua_State *L);
int ordered_pairs(lua_State *L);

#endif
