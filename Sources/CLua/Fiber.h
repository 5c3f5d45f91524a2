// A stack of its own for what may have to stop anywhere: within a C function, the compiler or the collector. Whoever enters it
// gets control back when it leaves, and may enter it again later, on another thread too.

#ifndef CLUA_FIBER_H
#define CLUA_FIBER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fiber {
    char *stack;
    /// Where the fiber stands while it is left, and where its caller stands while it is entered.
    void *inside;
    void *outside;
    void (*body)(void *argument);
    void *argument;
#if defined(__SANITIZE_THREAD__) || (defined(__has_feature) && __has_feature(thread_sanitizer))
    void *tsan_inside;
    void *tsan_outside;
#endif
} fiber;

/// Of a stack. Only what is touched takes memory.
extern const size_t fiber_stack_bytes;

/// Makes a fiber that will call `body`, which must not return. Returns false if there is no memory.
bool fiber_open(fiber *fiber, void (*body)(void *argument), void *argument);
void fiber_close(fiber *fiber);
void fiber_enter(fiber *fiber);
/// Called on the fiber's own stack.
void fiber_leave(fiber *fiber);

#endif
