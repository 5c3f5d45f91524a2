// A sandboxed Lua 5.4 that can be interrupted, wherever it is: in a program, in a function of C, in its compiler or collector.
//
// Lua raises errors by longjmp, which must not cross frames of Swift. So all that can raise lives behind this header, and
// callbacks into Swift only hand bytes over and return. One `mr_lua` is one interpreter: it does one thing at a time, on
// whichever thread calls it, and starts every run with globals of its own.
//
// What an interpreter does happens on a stack of its own (Fiber.h), which is left when a slice is over, and its memory is its
// own too (Heap.h): a run that is stopped in the middle is never unwound, it is thrown away.

#ifndef CLUA_H
#define CLUA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mr_lua mr_lua;

typedef enum mr_lua_status {
    /// `mr_lua_result` is what was asked for.
    MR_LUA_FINISHED,
    /// The slice is over: call `mr_lua_resume` again.
    MR_LUA_YIELDED,
    /// It needs more memory than was granted: call `mr_lua_grant` and `mr_lua_resume`, or `mr_lua_end`.
    MR_LUA_SHORT,
    /// `mr_lua_result` is the message, `mr_lua_traceback` where it happened.
    MR_LUA_FAILED,
} mr_lua_status;

/// What becomes of the value that a program returns.
typedef enum mr_lua_form {
    /// JSON of any value; nil is null.
    MR_LUA_JSON,
    /// JSON of a table with string keys; nil is the empty object; anything else is a failure.
    MR_LUA_OBJECT,
    /// A string as it is, nil as nothing, other values as JSON.
    MR_LUA_TEXT,
    /// The same, escaped to stand inside a JSON string.
    MR_LUA_QUOTED,
    /// `1` or nothing: Lua's truth, with null as false.
    MR_LUA_TRUTH,
} mr_lua_form;

/// Global tables whose values are fetched from the host when a program touches them.
typedef enum mr_lua_table {
    MR_LUA_STATE,
    MR_LUA_NODES,
} mr_lua_table;

typedef enum mr_lua_channel {
    MR_LUA_LOG,
    MR_LUA_CHUNK,
} mr_lua_channel;

/// Who answers a program's questions while it runs. The callbacks return, they never unwind.
typedef struct mr_lua_host {
    void *context;
    /// Passes the JSON of one value to `mr_lua_give`, or returns false if there is none. Without a key it is asked for the
    /// whole table, as an object. The JSON must be valid: it is not checked again.
    bool (*read)(void *context, mr_lua *lua, mr_lua_table table, const char *key, size_t key_length);
    /// Takes the JSON of one output.
    void (*output)(void *context, mr_lua_channel channel, const char *json, size_t length);
} mr_lua_host;

/// A program, as `mr_lua_compile` made it, and what it may use.
typedef struct mr_lua_program {
    /// Tells programs apart: an interpreter keeps those that it has loaded.
    uint64_t identity;
    const char *bytecode;
    size_t bytecode_length;
    mr_lua_form form;
    bool sees_nodes;
    uint64_t cpu_nanoseconds_max;
    size_t memory_bytes_max;
    /// Of the result, and of all outputs together.
    size_t result_bytes_max;
} mr_lua_program;

/// Returns NULL if there is no memory.
mr_lua *mr_lua_open(void);
void mr_lua_close(mr_lua *lua);

/// Makes ready to compile source text (never bytecode), which is copied. What `mr_lua_resume` comes to is the bytecode, or the
/// message of a syntax error. `name` stands in messages in front of the line number.
void mr_lua_compile(mr_lua *lua, const char *source, size_t length, const char *name, uint64_t cpu_nanoseconds_max);
/// Makes a program ready to run. The bytecode is needed during the call only, the host's context until `mr_lua_end`.
void mr_lua_begin(mr_lua *lua, const mr_lua_program *program, const mr_lua_host *host);
/// How much memory it may use, heap and buffers together, until more is granted. Without a word of this there is no bound but
/// the program's.
void mr_lua_grant(mr_lua *lua, size_t bytes);
/// Goes on until the end or, if `slice_nanoseconds` is not 0, about that time is over.
mr_lua_status mr_lua_resume(mr_lua *lua, uint64_t slice_nanoseconds);
/// Forgets what was made ready, whether it has ended or not. Returns whether the interpreter is fit for more; else it can only
/// be closed.
bool mr_lua_end(mr_lua *lua);

/// CPU time so far. What is below 0.2 ms is only known as time on the clock.
uint64_t mr_lua_cpu_nanoseconds(const mr_lua *lua);

const char *mr_lua_result(const mr_lua *lua, size_t *length);
const char *mr_lua_traceback(const mr_lua *lua, size_t *length);

/// Called from `read` only: hands the value over. The bytes are copied.
void mr_lua_give(mr_lua *lua, const void *json, size_t length);

#endif
