// millrace-exec: runs one command for the daemon so that nothing of it survives, whatever happens to the daemon.
//
// The daemon holds one end of a socket, this process the other, as descriptor 3. The command and everything that it
// starts are descendants of this process, and stay so: as a subreaper (prctl(2)) it inherits the orphans, double-forked
// ones and those with a session of their own too. So "kill the tree" is "kill all descendants until none is left", and
// the closing of the socket, which the kernel does for a daemon that dies, is the order to do it.
//
//   daemon -> helper   T<milliseconds>\n   SIGTERM to the tree, SIGKILL to what is left after the grace
//                      end of stream       SIGKILL to the tree at once
//   helper -> daemon   notice <text>\n     something was asked for that this kernel does not have
//                      exit <code>\n | signal <number>\n | error <what>: <why>\n    the last line, when the tree is gone
//
// It is C because it lives once per running command: a few pages of memory, no runtime, no threads.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "filter.h"
#include "landlock.h"
#include "options.h"
#include "tree.h"

enum {
    CONTROL = 3,
    SIDE_OUTPUT = 4,  // a second pipe for output of the command, if it is there
    // What a shell returns for a command that cannot be run, and for one that does not exist.
    CODE_CANNOT_RUN = 126,
    CODE_NOT_FOUND = 127,
    // Wrong use of this program itself.
    CODE_USAGE = 125,
    LINE_BYTES_MAX = 1024,
};

// How the command could not be started; it travels from the child to the helper through a pipe.
struct start_failure {
    int code;
    char what[256];
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// One line to the daemon. When it is gone there is nobody left to tell.
static void say(const char *format, ...) {
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    // A line is a line: a name with a newline in it must not become two.
    for (int index = 0; index < length; index++)
        if (line[index] == '\n') line[index] = ' ';
    line[length++] = '\n';
    ssize_t sent;
    do {
        sent = send(CONTROL, line, (size_t)length, MSG_NOSIGNAL);
    } while (sent == -1 && errno == EINTR);
}

static long long now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

// MARK: the child, between fork and exec

static void __attribute__((noreturn)) fail_start(int report, const char *call, const char *subject) {
    struct start_failure failure = {.code = errno};
    snprintf(failure.what, sizeof failure.what, "%s%s%s", call, *subject ? " " : "", subject);
    if (write(report, &failure, sizeof failure) != sizeof failure) _exit(CODE_CANNOT_RUN);
    _exit(failure.code == ENOENT ? CODE_NOT_FOUND : CODE_CANNOT_RUN);
}

static void limit(int report, int resource, const char *name, long long soft, long long hard) {
    if (soft < 0) return;
    struct rlimit value = {.rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard};
    // A limit that holds already may be lower: it stays, as raising it takes privileges.
    struct rlimit now;
    if (getrlimit(resource, &now) == -1) fail_start(report, "limit", name);
    if (value.rlim_max > now.rlim_max) value.rlim_max = now.rlim_max;
    if (value.rlim_cur > value.rlim_max) value.rlim_cur = value.rlim_max;
    if (setrlimit(resource, &value) == -1) fail_start(report, "limit", name);
}

// The command starts with every signal at its default and none blocked.
static void reset_signals(void) {
    // By the bare call: the C library hides two signals, which posix_spawn(3) leaves ignored. All zeros is SIG_DFL
    // without flags, and 8 bytes is the kernel's signal set.
    const unsigned char default_action[64] = {0};
    for (int number = 1; number <= 64; number++) syscall(SYS_rt_sigaction, number, default_action, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Root keeps what it takes to work with files, processes and identities of its own host, and loses what reaches around
// every other restriction: raw devices, kernel modules, mounts, other processes' memory.
static void drop_capabilities(void) {
    static const unsigned kept = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_FSETID |
                                 1U << CAP_KILL | 1U << CAP_SETGID | 1U << CAP_SETUID | 1U << CAP_NET_BIND_SERVICE;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // It fails for whoever is not root, who has none to lose, and ends behind the last that the kernel knows.
    for (unsigned number = 0; number < 64; number++)
        if (number > 31 || !(kept & 1U << number)) prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
}

// When memory runs out, the kernel ends node code before it ends the daemon.
static void be_first_to_go(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file == -1) return;
    // Where /proc is not writable, the order stays the kernel's own.
    ssize_t written = write(file, "500", 3);
    (void)written;
    close(file);
}

// Whose the command is, and what it must not reach.
struct surroundings {
    pid_t helper, daemon;
    struct cgroup cgroup;
};

static void confine(const struct options *options, int report, const struct surroundings *around) {
    if (!landlock_wanted(options)) return;
    int version = landlock_version();
    const char *failed_path = "";
    if (version > 0 && !landlock_restrict(options, &failed_path)) fail_start(report, "landlock", failed_path);
    // Last, since it would refuse some of what was done here.
    if (filter_available() && !filter_restrict(version, around->helper, around->daemon))
        fail_start(report, "seccomp", "");
}

static void __attribute__((noreturn)) run_command(
    const struct options *options, int report, const struct surroundings *around) {
    // If the helper itself is killed, at least the command goes with it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != around->helper) _exit(CODE_CANNOT_RUN);
    // A session of its own, so that no process of the command can join the helper's group to signal it.
    setsid();
    if (!cgroup_enter(&around->cgroup)) fail_start(report, "cgroup", options->cgroup);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) fail_start(report, "no_new_privs", "");
    if (options->directory && chdir(options->directory) == -1) fail_start(report, "chdir", options->directory);

    limit(report, RLIMIT_AS, "memory", options->memory_bytes, options->memory_bytes);
    // SIGXCPU at the limit, SIGKILL a second later for who ignores it.
    limit(report, RLIMIT_CPU, "cpu", options->cpu_seconds, options->cpu_seconds + 1);
    limit(report, RLIMIT_NOFILE, "files", options->files, options->files);
    limit(report, RLIMIT_NPROC, "processes", options->processes, options->processes);
    limit(report, RLIMIT_CORE, "core", 0, 0);
    be_first_to_go();
    drop_capabilities();
    confine(options, report, around);
    reset_signals();
    execvp(options->command[0], options->command);
    fail_start(report, "exec", options->command[0]);
}

// MARK: the helper

struct helper {
    pid_t command;
    bool command_ended;
    int status;
    // When the grace of a terminate is over; 0 without one.
    long long kill_at_ms;
    char order[64];
    size_t order_length;
    struct cgroup cgroup;
};

// Reaps whoever has ended. False when no child is left.
static bool reap(struct helper *helper) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == -1 && errno == EINTR) continue;
        if (pid == -1) return false;
        if (pid == 0) return true;
        if (pid == helper->command) {
            helper->command_ended = true;
            helper->status = status;
        }
    }
}

static void drain(int signals) {
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info) {}
}

// Kills all descendants. Killed ones make orphans that become ours, so it goes on until there is none.
static void kill_tree(struct helper *helper, int signals) {
    while (reap(helper)) {
        cgroup_kill(&helper->cgroup);
        signal_descendants(SIGKILL);
        // Woken by each death; the timeout is for one that was forked behind the back of the walk.
        struct pollfd wait = {.fd = signals, .events = POLLIN};
        poll(&wait, 1, 10);
        drain(signals);
    }
}

static void obey(struct helper *helper, const char *order) {
    char *end;
    if (order[0] != 'T') return;
    long long grace_ms = strtoll(order + 1, &end, 10);
    if (end == order + 1 || *end != '\0' || grace_ms < 0) return;
    long long deadline = now_ms() + grace_ms;
    // A second order may shorten the grace, never lengthen it.
    if (helper->kill_at_ms == 0 || deadline < helper->kill_at_ms) helper->kill_at_ms = deadline;
    signal_descendants(SIGTERM);
}

// Reads orders. False when the daemon has hung up.
static bool read_orders(struct helper *helper) {
    char byte;
    for (;;) {
        ssize_t count = recv(CONTROL, &byte, 1, MSG_DONTWAIT);
        if (count == 0) return false;
        if (count == -1 && errno == EINTR) continue;
        if (count == -1) return errno == EAGAIN;
        if (byte == '\n') {
            helper->order[helper->order_length] = '\0';
            obey(helper, helper->order);
            helper->order_length = 0;
        } else if (helper->order_length < sizeof helper->order - 1) {
            helper->order[helper->order_length++] = byte;
        }
    }
}

// Waits until the command has ended, the daemon has hung up, or the grace is over.
static void supervise(struct helper *helper, int signals) {
    while (reap(helper) && !helper->command_ended) {
        int timeout = -1;
        if (helper->kill_at_ms != 0) {
            long long left = helper->kill_at_ms - now_ms();
            if (left <= 0) return;
            timeout = left > 60000 ? 60000 : (int)left;
        }
        struct pollfd waits[2] = {{.fd = signals, .events = POLLIN}, {.fd = CONTROL, .events = POLLIN}};
        if (poll(waits, 2, timeout) <= 0) continue;
        if (waits[0].revents) drain(signals);
        if (waits[1].revents && !read_orders(helper)) return;
    }
}

// The pipes must end with the command: the helper keeps no end of them.
static void forget_streams(bool has_side_output) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int number = 0; number <= 2; number++)
        if (null == -1 || dup2(null, number) == -1) close(number);
    if (null > 2) close(null);
    if (has_side_output) close(SIDE_OUTPUT);
}

static int report_end(const struct helper *helper, const struct start_failure *failure) {
    if (failure->code != 0) {
        say("error %s: %s", failure->what, strerror(failure->code));
        return failure->code == ENOENT ? CODE_NOT_FOUND : CODE_CANNOT_RUN;
    }
    if (WIFSIGNALED(helper->status)) {
        say("signal %d", WTERMSIG(helper->status));
        return 128 + WTERMSIG(helper->status);
    }
    say("exit %d", WEXITSTATUS(helper->status));
    return WEXITSTATUS(helper->status);
}

static int give_up(const char *what) {
    say("error %s: %s", what, strerror(errno));
    return CODE_CANNOT_RUN;
}

// All signals are blocked and become readable, so that none can end the helper before its tree.
static int open_signals(void) {
    sigset_t all;
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) == -1) return -1;
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int count, char **arguments) {
    struct options options;
    if (!parse_options(count, arguments, &options)) return CODE_USAGE;
    if (options.wants_help) return 0;
    if (fcntl(CONTROL, F_SETFD, FD_CLOEXEC) == -1) {
        fputs("millrace-exec: descriptor 3 must be a socket to the daemon; see --help\n", stderr);
        return CODE_USAGE;
    }
    // Before anything else is opened, so that the number is not one of the helper's own.
    bool has_side_output = fcntl(SIDE_OUTPUT, F_GETFD) != -1;
    if (landlock_wanted(&options) && landlock_version() == 0)
        say("notice landlock is not available: the command can reach every file of its user");
    if (landlock_wanted(&options) && !filter_available())
        say("notice seccomp is not available: the command can change limits and priorities of its user's processes");

    struct helper helper = {0};
    if (!options.cgroup) options.cgroup = "";
    if (!cgroup_make(&helper.cgroup, options.cgroup, options.tree_processes) && *options.cgroup)
        say("notice cgroup %s: %s", options.cgroup, strerror(errno));
    // It fails for a leader of a process group, which a shell makes of it; the tree does not depend on it.
    setsid();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) return give_up("subreaper");
    int signals = open_signals();
    if (signals == -1) return give_up("signalfd");
    int report[2];
    if (pipe2(report, O_CLOEXEC) == -1) return give_up("pipe");

    struct surroundings around = {.helper = getpid(), .daemon = getppid(), .cgroup = helper.cgroup};
    helper.command = fork();
    if (helper.command == -1) return give_up("fork");
    if (helper.command == 0) run_command(&options, report[1], &around);

    close(report[1]);
    forget_streams(has_side_output);
    // The pipe ends without a word when exec succeeds.
    struct start_failure failure = {0};
    ssize_t told;
    do {
        told = read(report[0], &failure, sizeof failure);
    } while (told == -1 && errno == EINTR);
    if (told != sizeof failure) failure.code = 0;
    close(report[0]);

    supervise(&helper, signals);
    kill_tree(&helper, signals);
    cgroup_remove(&helper.cgroup);
    return report_end(&helper, &failure);
}
