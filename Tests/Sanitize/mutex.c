// What ThreadSanitizer must be told of Swift's Mutex. Where nobody waits, the lock is taken and given in code that is compiled
// with the sanitizer, which sees the atomics. Where somebody waits, the kernel hands it over (futex(2), FUTEX_LOCK_PI) in a
// library that is not: each such hand-over would look like no order at all. Preloaded (ld.so(8)), this stands before it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

// Not there in programs without the sanitizer, such as the one that starts the tests.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK);
SWIFT void lock_slow(uint32_t thread, SELF void *mutex) {
    typedef SWIFT void (*function)(uint32_t, SELF void *);
    ((function)real(LOCK))(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT _Bool try_lock_slow(SELF void *mutex) __asm__(TRY_LOCK);
SWIFT _Bool try_lock_slow(SELF void *mutex) {
    typedef SWIFT _Bool (*function)(SELF void *);
    _Bool is_locked = ((function)real(TRY_LOCK))(mutex);
    if (is_locked && __tsan_acquire) __tsan_acquire(mutex);
    return is_locked;
}

SWIFT void unlock_slow(SELF void *mutex) __asm__(UNLOCK);
SWIFT void unlock_slow(SELF void *mutex) {
    typedef SWIFT void (*function)(SELF void *);
    if (__tsan_release) __tsan_release(mutex);
    ((function)real(UNLOCK))(mutex);
}
