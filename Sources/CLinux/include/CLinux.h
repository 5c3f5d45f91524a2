// What Swift's Glibc module does not import: epoll, eventfd, timerfd, signalfd, pidfd, accept4 and a few variadic
// or GNU-only calls. Nothing here has a policy; every function is one call and returns what the call returns.
// Calls that need _GNU_SOURCE live in CLinux.c, because a macro set here would not reach an already built module.
#ifndef CLINUX_H
#define CLINUX_H

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

// epoll(7). The event structure is packed on x86-64, so its fields are read and written here.
static const uint32_t clinux_epoll_in = EPOLLIN;
static const uint32_t clinux_epoll_out = EPOLLOUT;
static const uint32_t clinux_epoll_rdhup = EPOLLRDHUP;
static const uint32_t clinux_epoll_hup = EPOLLHUP;
static const uint32_t clinux_epoll_err = EPOLLERR;
static const uint32_t clinux_epoll_edge_triggered = EPOLLET;

static inline int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static inline int clinux_epoll_remove(int epoll, int fd) {
    struct epoll_event unused = {0};
    return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &unused);
}

static inline int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms) {
    return epoll_wait(epoll, events, capacity, timeout_ms);
}

static inline uint32_t clinux_epoll_event_bits(const struct epoll_event *event) { return event->events; }
static inline uint64_t clinux_epoll_event_token(const struct epoll_event *event) { return event->data.u64; }

// eventfd(2), timerfd_create(2), signalfd(2): always non-blocking and closed on exec.
static inline int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline int clinux_timerfd(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

static inline int clinux_timerfd_arm(int fd, int64_t deadline_ns) {
    struct itimerspec when = {.it_value = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000}};
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, 0);
}

static inline int clinux_signalfd(const sigset_t *set) { return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK); }

// wait(2) status macros.
static inline int clinux_exited(int status) { return WIFEXITED(status); }
static inline int clinux_exit_code(int status) { return WEXITSTATUS(status); }
static inline int clinux_signal(int status) { return WTERMSIG(status); }

// fcntl(2) is variadic.
static inline int clinux_fcntl(int fd, int command, int argument) { return fcntl(fd, command, argument); }

// GNU-only calls.
int clinux_accept4(int fd, struct sockaddr *address, socklen_t *length);
int clinux_pipe(int ends[2]);
int clinux_pidfd_open(pid_t pid);
int clinux_pidfd_send_signal(int pidfd, int signal);
/// waitid(2) on a pidfd without blocking: 1 when it ended (code and status are set), 0 when it still runs, -1 on error.
int clinux_pidfd_wait(int pidfd, int *code, int *status);
int clinux_thread_id(void);
/// sched_getaffinity(2): how many cores this process may run on, -1 on error.
int clinux_usable_cpus(void);
/// sched_setscheduler(2) of the calling thread; what it starts is not concerned.
int clinux_schedule_as_batch(void);
/// setpriority(2) of the calling thread alone, whatever it was before.
int clinux_lower_thread_priority(int nice);
int clinux_set_thread_name(const char *name);
int clinux_spawn_add_chdir(posix_spawn_file_actions_t *actions, const char *path);
int clinux_spawn_add_closefrom(posix_spawn_file_actions_t *actions, int first);
int clinux_peer_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid);
int clinux_lock_whole_file(int fd);
/// prctl(PR_SET_DUMPABLE, 0).
int clinux_forbid_inspection(void);
/// The version of Landlock that the kernel has; -1 without it.
int clinux_landlock_version(void);
/// statfs(2): the type of the file system that a path lies on; -1 on error.
long clinux_file_system_type(const char *path);
void clinux_sigset_fill(sigset_t *set);
ssize_t clinux_getxattr(const char *path, const char *name, void *value, size_t size);
/// prctl(PR_SET_CHILD_SUBREAPER, 1).
int clinux_become_subreaper(void);
/// Whether the kernel has seccomp(2) with filters that answer by an error.
int clinux_has_seccomp(void);

#endif
