// What the parts of the sandbox share. Functions that take a lua_State may raise a Lua error, others never do.

#ifndef CLUA_ENGINE_H
#define CLUA_ENGINE_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "CLua.h"
#include "Fiber.h"
#include "Heap.h"

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

/// How numbers of a run were written that Lua would write in another way.
typedef struct written_numbers {
    bool is_any;
    bool is_any_canonical;
    /// Bits by the hash of floating point numbers that came as Lua would write them.
    uint64_t canonical[512];
} written_numbers;

struct mr_lua {
    lua_State *state;
    heap heap;
    fiber fiber;
    /// What the fiber does next, and what came of it.
    mr_lua_status (*task)(mr_lua *lua);
    mr_lua_status outcome;
    bool is_begun;
    bool is_inside;
    /// The fiber stands in the middle of something that will not go on.
    bool is_abandoned;
    mr_lua_program program;
    mr_lua_host host;

    buffer result;
    buffer traceback;
    buffer given;
    buffer output;
    /// Bytecode or source text that is yet to be read, and how far it was.
    buffer code;
    size_t code_read;
    char code_name[64];
    size_t output_bytes;

    size_t used_bytes;
    size_t used_bytes_max;
    /// What all of it, the buffers too, may come to before more is granted; and where that began to count.
    size_t granted_bytes;
    size_t begun_bytes;
    /// What was in use when the interpreter was new.
    size_t base_bytes;
    size_t allocated_since_check;
    unsigned blocks_since_check;
    int instructions_per_check;

    uint64_t slice_nanoseconds;
    uint64_t slice_start;
    uint64_t last_check;
    uint64_t cpu_nanoseconds_max;
    uint64_t cpu_charged;
    uint64_t cpu_last;
    bool is_cpu_known;
    bool is_compiling;
    unsigned steps;

    int loaded_programs;
    const void *array_metatable;
    const void *number_metatable;
    path_step path[DEPTH_MAX + 1];
    written_numbers written;
};

static inline mr_lua *owner(lua_State *L) {
    return *(mr_lua **)lua_getextraspace(L);
}

// Limits.c
void *allocate(void *context, void *block, size_t old_bytes, size_t bytes);
/// What the fiber does from now on is limited, until `stop_limits`.
void start_limits(mr_lua *lua, uint64_t cpu_nanoseconds_max, size_t memory_bytes_max);
void stop_limits(mr_lua *lua);
void start_slice(mr_lua *lua, uint64_t nanoseconds);
/// Whether so much more may be used.
bool is_granted(const mr_lua *lua, size_t more_bytes);
/// Leaves the fiber until that is so.
void expect_grant(mr_lua *lua, size_t more_bytes);
/// Raises if too much of the stack is in use.
void check_stack(lua_State *L);
/// Leaves the fiber for good, because the memory is used up.
_Noreturn void end_without_memory(mr_lua *lua);
/// Counts work done in C, where no instruction hook fires: elements, or 64 bytes each. Leaves the fiber when the slice is over,
/// for good when the time is.
void spend(lua_State *L, size_t steps);
static inline void spend_bytes(lua_State *L, size_t bytes) {
    spend(L, bytes / 64 + 1);
}
/// From now on single instructions may move this many bytes: the clock is looked at more often.
void expect_long_instructions(mr_lua *lua, size_t bytes);

// Failing.c
enum { message_bytes_max = 16 * 1024 };
mr_lua_status fail(mr_lua *lua, const char *message);
/// Handles an error where it was raised: its message and the way to it become the result.
int handle_error(lua_State *L);
/// Sets the message of a run that has used up its time, and where it stands.
void describe_end_of_time(lua_State *L);

// Buffer.c
bool buffer_append(buffer *buffer, const void *bytes, size_t count);
/// What one of the run's own buffers grows by has to be granted: on the fiber only.
bool buffer_append_granted(mr_lua *lua, buffer *buffer, const void *bytes, size_t count);
void buffer_clear(buffer *buffer);
void buffer_free(buffer *buffer);

// JSONReading.c
/// Pushes the value that valid JSON stands for; it is going to stand in the table at `table` (0: none) under the key at `key`.
/// The byte behind the end must be readable and 0.
void push_json(lua_State *L, const char *json, size_t length, int table, int key);

// JSONWriting.c
/// Appends a value as JSON to the buffer, which may grow to `bytes_max`. `root` names the value in messages.
void write_json(lua_State *L, int index, buffer *buffer, size_t bytes_max, const char *root);
/// Appends a string's content, escaped, to the buffer, which may grow to `bytes_max`. Invalid UTF-8 is refused, or replaced.
void write_escaped(lua_State *L, buffer *buffer, size_t bytes_max, const char *bytes, size_t count, bool replaces,
                   const char *root);
/// The shortest text that reads back as the same number. Returns its length.
int write_double(char text[32], double number);

// Numbers.c
/// Whether the value is a number that Lua cannot hold, and is kept as it was written.
bool is_written_number(lua_State *L, int index);
const char *written_number(lua_State *L, int index, size_t *length);
/// Pushes the number of a JSON token. Returns whether Lua would write it in another way.
bool push_number(lua_State *L, const char *token, size_t length);
void open_numbers(lua_State *L);

// WrittenNumbers.c
/// Notes a floating point number that came as Lua would write it.
void note_canonical(mr_lua *lua, lua_Number number);
/// Forgets how numbers were written.
void forget_written(mr_lua *lua);
/// Notes how the number at `index`, just read from JSON, was written; the table at `table` (0: none) holds it under the key
/// at `key`.
void note_written(lua_State *L, int index, const char *token, size_t length, int table, int key);
/// How a number was written where it came from, or NULL. `key` is 0 for a value that stands in no table.
const char *find_written(lua_State *L, int index, int table, int key, size_t *length);

// Nulls.c
/// Compiles with null as false: appends the bytecode to the buffer. Raises what is wrong with the source.
void compile_source(lua_State *L, lua_Reader reader, void *context, const char *name, buffer *bytecode);
/// Gives a function that was loaded from such bytecode its null. It is on top of the stack.
void set_null(lua_State *L);
/// Pushes a function of the sandbox's own Lua source.
void push_compiled(lua_State *L, const char *source, const char *name);
/// Lua's truth, with null as false.
static inline bool is_true(lua_State *L, int index) {
    return lua_toboolean(L, index) && lua_type(L, index) != LUA_TLIGHTUSERDATA;
}

// Sorting.c
/// Below 0 if `left` comes first. Counts its steps.
typedef int (*element_order)(lua_State *L, const void *left, const void *right);
/// Sorts elements of `bytes` each. They must be reachable for Lua: it may leave and come back.
void sort_elements(lua_State *L, void *elements, size_t count, size_t bytes, element_order order);
/// The order of the bytes of two texts, the shorter one first if it begins the other.
int order_texts(lua_State *L, const char *left, size_t left_count, const char *right, size_t right_count);

// Globals.c, Lazy.c, Strings.c, Formats.c, UTF8.c, PatternFunctions.c, Tables.c
void open_globals(lua_State *L);
void push_shown(lua_State *L, int index);
void push_lazy(lua_State *L, mr_lua_table table);
/// Fetches what a lazy table has not fetched yet; does nothing for other tables.
void load_lazy(lua_State *L, int index);
void open_strings(lua_State *L);
int format_string(lua_State *L);
void open_utf8(lua_State *L);
int find_string(lua_State *L);
int match_string(lua_State *L);
int gmatch_string(lua_State *L);
int gsub_string(lua_State *L);
void open_tables(lua_State *L);
int ordered_next(lua_State *L);
int ordered_pairs(lua_State *L);

#endif
