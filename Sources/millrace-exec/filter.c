// Classic BPF (seccomp(2)) over the number and the arguments of a call: pids are arguments, so a filter can compare them;
// what lies behind a pointer it cannot see. It is a list of rules, each of which ends in a verdict for its own call and
// leaves the number in the accumulator for the next one.
#define _GNU_SOURCE
#include "filter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE AUDIT_ARCH_RISCV64
#else
#error "millrace-exec does not know this architecture's calls"
#endif

// Calls that came after the oldest headers that this is built with; their numbers are the same everywhere.
enum {
    CALL_PIDFD_SEND_SIGNAL = 424,
    CALL_IO_URING_SETUP = 425,
    CALL_PIDFD_OPEN = 434,
    CALL_OPENAT2 = 437,
    CALL_PIDFD_GETFD = 438,
    CALL_PROCESS_MADVISE = 440,
};

enum {
    // Of x86-64's x32 calls (syscall(2)).
    X32_BIT = 0x40000000,
    // asm-generic/ioctls.h and sockios.h.
    IOCTL_FIOSETOWN = 0x8901,
    IOCTL_SIOCSPGRP = 0x8902,
    // Threads of the daemon: some twenty, and one for each core.
    GUARDED_MAX = 200,
    // The kernel's own bound (BPF_MAXINSNS). Each guarded id takes two instructions in each of eight places.
    CODE_MAX = 4096,
};

struct program {
    struct sock_filter code[CODE_MAX];
    unsigned short count;
};

// The helper and the threads of the daemon.
struct guarded {
    uint32_t ids[GUARDED_MAX];
    int count;
};

static void emit(struct program *program, uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false) {
    program->code[program->count++] = (struct sock_filter){.code = code, .jt = if_true, .jf = if_false, .k = value};
}

// MARK: words

static void load(struct program *program, size_t offset) {
    emit(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

// The lower half of an argument, which is all that the kernel takes of an int. (All that is known here is little-endian.)
static void load_argument(struct program *program, int index) {
    load(program, offsetof(struct seccomp_data, args) + (size_t)index * sizeof(uint64_t));
}

static void answer(struct program *program, uint32_t verdict) { emit(program, BPF_RET | BPF_K, verdict, 0, 0); }

static void allow(struct program *program) { answer(program, SECCOMP_RET_ALLOW); }

static void refuse(struct program *program) { answer(program, SECCOMP_RET_ERRNO | EPERM); }

// By what is in the accumulator, unsigned.
static void allow_if(struct program *program, uint32_t value) {
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    allow(program);
}

static void refuse_if(struct program *program, uint32_t value) {
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    refuse(program);
}

static void refuse_above(struct program *program, uint32_t value) {
    emit(program, BPF_JMP | BPF_JGT | BPF_K, value, 0, 1);
    refuse(program);
}

// MARK: rules

// Begins the rule of a call: all up to `end_rule` is for that call alone. A rule may be longer than a conditional jump
// reaches, so it is jumped over by one that reaches everywhere.
static unsigned short begin_rule(struct program *program, long call) {
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 1, 0);
    emit(program, BPF_JMP | BPF_JA, 0, 0, 0);
    return program->count;
}

// The last instruction of a rule is a verdict.
static void end_rule(struct program *program, unsigned short begin) {
    program->code[begin - 1].k = (uint32_t)(program->count - begin);
}

static void refuse_call(struct program *program, long call) {
    unsigned short begin = begin_rule(program, call);
    refuse(program);
    end_rule(program, begin);
}

// As if the kernel did not have it: programs then do the same by older calls.
static void hide_call(struct program *program, long call) {
    unsigned short begin = begin_rule(program, call);
    answer(program, SECCOMP_RET_ERRNO | ENOSYS);
    end_rule(program, begin);
}

// The caller itself is 0, and for the command that was started also its pid.
static void allow_self_only(struct program *program, int argument) {
    load_argument(program, argument);
    allow_if(program, 0);
    allow_if(program, (uint32_t)getpid());
    refuse(program);
}

static void self_only(struct program *program, long call, int argument) {
    unsigned short begin = begin_rule(program, call);
    allow_self_only(program, argument);
    end_rule(program, begin);
}

// The same where the first argument says of what kind the second is, and more than `kind_max` is all of a user's.
static void self_only_of_kind(struct program *program, long call, uint32_t kind_max) {
    unsigned short begin = begin_rule(program, call);
    load_argument(program, 0);
    refuse_above(program, kind_max);
    allow_self_only(program, 1);
    end_rule(program, begin);
}

static void spare(struct program *program, long call, int arguments, const struct guarded *guarded) {
    unsigned short begin = begin_rule(program, call);
    for (int argument = 0; argument < arguments; argument++) {
        load_argument(program, argument);
        for (int index = 0; index < guarded->count; index++) refuse_if(program, guarded->ids[index]);
    }
    allow(program);
    end_rule(program, begin);
}

// MARK: the policy

static void refuse_other_architectures(struct program *program) {
    load(program, offsetof(struct seccomp_data, arch));
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0);
    refuse(program);
    load(program, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    emit(program, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    refuse(program);
#endif
}

// Limits, priorities and scheduling: no security module of the kernel is asked.
static void keep_settings_to_self(struct program *program) {
    self_only(program, SYS_prlimit64, 0);
    self_only_of_kind(program, SYS_setpriority, PRIO_PGRP);
    // 1 is a process, 2 a group, 3 a user.
    self_only_of_kind(program, SYS_ioprio_set, 2);
    self_only(program, SYS_sched_setaffinity, 0);
    self_only(program, SYS_sched_setscheduler, 0);
    self_only(program, SYS_sched_setparam, 0);
    self_only(program, SYS_sched_setattr, 0);
    self_only(program, SYS_migrate_pages, 0);
    self_only(program, SYS_move_pages, 0);
}

// truncate(2) became a right with version 3; so did opening for reading with O_TRUNC. What a filter cannot look into is
// not there.
static void keep_contents(struct program *program) {
    refuse_call(program, SYS_truncate);
    int flags_at = 2;
    long calls[] = {
        SYS_openat,
#if defined(SYS_open)
        SYS_open,
#endif
    };
    for (size_t index = 0; index < sizeof calls / sizeof *calls; index++, flags_at--) {
        unsigned short begin = begin_rule(program, calls[index]);
        load_argument(program, flags_at);
        emit(program, BPF_ALU | BPF_AND | BPF_K, O_ACCMODE | O_TRUNC, 0, 0);
        refuse_if(program, O_RDONLY | O_TRUNC);
        allow(program);
        end_rule(program, begin);
    }
    hide_call(program, CALL_OPENAT2);
    hide_call(program, CALL_IO_URING_SETUP);
}

// Signals are kept in by version 6.
static void keep_signals(struct program *program, const struct guarded *guarded) {
    struct guarded with_groups = *guarded;
    // kill(2): everybody, and the groups of the helper and of the daemon, which lead the list.
    with_groups.ids[with_groups.count++] = (uint32_t)-1;
    for (int index = 0; index < 2 && index < guarded->count; index++) {
        pid_t group = getpgid((pid_t)guarded->ids[index]);
        if (group > 0) with_groups.ids[with_groups.count++] = (uint32_t)-group;
    }
    spare(program, SYS_kill, 1, &with_groups);
    spare(program, SYS_tkill, 1, guarded);
    spare(program, SYS_tgkill, 2, guarded);
    spare(program, SYS_rt_sigqueueinfo, 1, guarded);
    spare(program, SYS_rt_tgsigqueueinfo, 2, guarded);
    spare(program, CALL_PIDFD_OPEN, 1, guarded);
    // A folder of /proc is as good as a pidfd there.
    refuse_call(program, CALL_PIDFD_SEND_SIGNAL);

    // The owner of a file gets signals of any number (fcntl(2), F_SETSIG).
    unsigned short begin = begin_rule(program, SYS_fcntl);
    load_argument(program, 1);
    refuse_if(program, F_SETOWN_EX);
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, F_SETOWN, 1, 0);
    allow(program);
    allow_self_only(program, 2);
    end_rule(program, begin);
    begin = begin_rule(program, SYS_ioctl);
    load_argument(program, 1);
    refuse_if(program, IOCTL_FIOSETOWN);
    refuse_if(program, IOCTL_SIOCSPGRP);
    allow(program);
    end_rule(program, begin);
}

// The memory and the descriptors of other processes; Landlock keeps them to those of the command, in any version.
static void keep_memory(struct program *program) {
    refuse_call(program, SYS_ptrace);
    refuse_call(program, SYS_process_vm_readv);
    refuse_call(program, SYS_process_vm_writev);
    refuse_call(program, SYS_kcmp);
    refuse_call(program, SYS_perf_event_open);
    refuse_call(program, CALL_PIDFD_GETFD);
    refuse_call(program, CALL_PROCESS_MADVISE);
}

static void guard(struct guarded *guarded, pid_t pid) {
    // Room is left for the groups.
    if (pid > 0 && guarded->count < GUARDED_MAX - 3) guarded->ids[guarded->count++] = (uint32_t)pid;
}

// A signal to the id of any thread is one to its process.
static void guard_threads(struct guarded *guarded, pid_t process) {
    guard(guarded, process);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *threads = opendir(path);
    if (!threads) return;
    for (struct dirent *thread; (thread = readdir(threads));) {
        pid_t id = (pid_t)strtol(thread->d_name, NULL, 10);
        if (id != process) guard(guarded, id);
    }
    closedir(threads);
}

// MARK: for main

bool filter_available(void) {
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool filter_restrict(int landlock_version, pid_t helper, pid_t daemon) {
    static struct program program;
    struct guarded guarded = {.count = 0};
    guard(&guarded, helper);
    guard_threads(&guarded, daemon);

    refuse_other_architectures(&program);
    keep_settings_to_self(&program);
    if (landlock_version < 3) keep_contents(&program);
    if (landlock_version < 6) keep_signals(&program, &guarded);
    if (landlock_version < 1) keep_memory(&program);
    allow(&program);
    struct sock_fprog list = {.len = program.count, .filter = program.code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &list) == 0;
}
