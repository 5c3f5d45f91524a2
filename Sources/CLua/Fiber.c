#define _GNU_SOURCE
#include "Fiber.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

#if HAS_FEATURE(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#endif
#if HAS_FEATURE(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#endif

/// Lua itself goes 200 calls deep in C at most; `check_stack` ends a run that needs more than half of it.
const size_t fiber_stack_bytes = 512 * 1024;
static const size_t guard_bytes = 4096;

// Changing stacks: what the calling convention keeps across a call goes to the old stack and comes from the new one.

/// Leaves the position of the stack at `*from`, goes on at `to`.
void mr_fiber_swap(void **from, void *to);
/// Where a new fiber begins.
void mr_fiber_begin(void);

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".type mr_fiber_swap,@function\n"
    ".hidden mr_fiber_swap\n"
    ".globl mr_fiber_swap\n"
    "mr_fiber_swap:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    subq $8, %rsp\n    stmxcsr (%rsp)\n    fnstcw 4(%rsp)\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    ldmxcsr (%rsp)\n    fldcw 4(%rsp)\n    addq $8, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size mr_fiber_swap,.-mr_fiber_swap\n"
    ".type mr_fiber_begin,@function\n"
    ".hidden mr_fiber_begin\n"
    ".globl mr_fiber_begin\n"
    "mr_fiber_begin:\n"
    "    movq %r12, %rdi\n"
    "    callq *%r13\n"
    "    ud2\n"
    ".size mr_fiber_begin,.-mr_fiber_begin\n");

static void *first_position(char *top, void (*function)(void *), void *argument) {
    // From below: the modes of the floating point unit, r15, r14, r13, r12, rbx, rbp, where to return to.
    uint64_t *position = (uint64_t *)top - 10;
    memset(position, 0, 10 * sizeof *position);
    uint32_t modes[2] = {0x1F80, 0x037F};
    memcpy(position, modes, sizeof modes);
    position[3] = (uint64_t)(uintptr_t)function;
    position[4] = (uint64_t)(uintptr_t)argument;
    position[7] = (uint64_t)(uintptr_t)mr_fiber_begin;
    return position;
}
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".type mr_fiber_swap,%function\n"
    ".hidden mr_fiber_swap\n"
    ".globl mr_fiber_swap\n"
    "mr_fiber_swap:\n"
    "    sub sp, sp, #160\n"
    "    stp x19, x20, [sp]\n    stp x21, x22, [sp, #16]\n    stp x23, x24, [sp, #32]\n    stp x25, x26, [sp, #48]\n"
    "    stp x27, x28, [sp, #64]\n    stp x29, x30, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n    stp d10, d11, [sp, #112]\n    stp d12, d13, [sp, #128]\n    stp d14, d15, [sp, #144]\n"
    "    mov x9, sp\n    str x9, [x0]\n    mov sp, x1\n"
    "    ldp x19, x20, [sp]\n    ldp x21, x22, [sp, #16]\n    ldp x23, x24, [sp, #32]\n    ldp x25, x26, [sp, #48]\n"
    "    ldp x27, x28, [sp, #64]\n    ldp x29, x30, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n    ldp d10, d11, [sp, #112]\n    ldp d12, d13, [sp, #128]\n    ldp d14, d15, [sp, #144]\n"
    "    add sp, sp, #160\n"
    "    ret\n"
    ".size mr_fiber_swap,.-mr_fiber_swap\n"
    ".type mr_fiber_begin,%function\n"
    ".hidden mr_fiber_begin\n"
    ".globl mr_fiber_begin\n"
    "mr_fiber_begin:\n"
    "    mov x0, x20\n"
    "    blr x19\n"
    "    brk #1\n"
    ".size mr_fiber_begin,.-mr_fiber_begin\n");

static void *first_position(char *top, void (*function)(void *), void *argument) {
    // From below: x19 to x30, then d8 to d15.
    uint64_t *position = (uint64_t *)top - 20;
    memset(position, 0, 20 * sizeof *position);
    position[0] = (uint64_t)(uintptr_t)function;
    position[1] = (uint64_t)(uintptr_t)argument;
    position[11] = (uint64_t)(uintptr_t)mr_fiber_begin;
    return position;
}
#else
#error "Fiber.c knows x86-64 and AArch64"
#endif

// Opening and closing

static void begin(void *argument) {
    fiber *fiber = argument;
#if HAS_FEATURE(address_sanitizer)
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
    fiber->body(fiber->argument);
}

bool fiber_open(fiber *fiber, void (*body)(void *argument), void *argument) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    char *stack = mmap(NULL, guard_bytes + fiber_stack_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (stack == MAP_FAILED) return false;
    if (mprotect(stack, guard_bytes, PROT_NONE) != 0) {
        munmap(stack, guard_bytes + fiber_stack_bytes);
        return false;
    }
    fiber->stack = stack;
    fiber->body = body;
    fiber->argument = argument;
    fiber->inside = first_position(stack + guard_bytes + fiber_stack_bytes, begin, fiber);
#if HAS_FEATURE(thread_sanitizer)
    fiber->tsan_inside = __tsan_create_fiber(0);
#endif
    return true;
}

void fiber_close(fiber *fiber) {
    if (!fiber->stack) return;
#if HAS_FEATURE(thread_sanitizer)
    __tsan_destroy_fiber(fiber->tsan_inside);
#endif
    munmap(fiber->stack, guard_bytes + fiber_stack_bytes);
    fiber->stack = NULL;
}

void fiber_enter(fiber *fiber) {
#if HAS_FEATURE(thread_sanitizer)
    fiber->tsan_outside = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan_inside, 0);
#endif
#if HAS_FEATURE(address_sanitizer)
    void *fake_stack;
    __sanitizer_start_switch_fiber(&fake_stack, fiber->stack + guard_bytes, fiber_stack_bytes);
#endif
    mr_fiber_swap(&fiber->outside, fiber->inside);
#if HAS_FEATURE(address_sanitizer)
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#endif
}

void fiber_leave(fiber *fiber) {
#if HAS_FEATURE(thread_sanitizer)
    __tsan_switch_to_fiber(fiber->tsan_outside, 0);
#endif
#if HAS_FEATURE(address_sanitizer)
    // The caller's stack is known to the sanitizer: a thread's own.
    void *fake_stack;
    const void *bottom;
    size_t size;
    __sanitizer_start_switch_fiber(&fake_stack, NULL, 0);
    mr_fiber_swap(&fiber->inside, fiber->outside);
    __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
#else
    mr_fiber_swap(&fiber->inside, fiber->outside);
#endif
}
