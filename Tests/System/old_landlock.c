// old_landlock VERSION COMMAND [ARGUMENT]...: runs COMMAND as on a kernel whose Landlock has that version.
//
// A seccomp filter (seccomp_unotify(2)) hands the calls of landlock_create_ruleset(2) to a process of its own: it answers
// those that ask for the version, and lets the others go on. COMMAND keeps this process's pid.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CREATE_RULESET = 444, VERSION_FLAG = 1 };

static int fail(const char *what) {
    perror(what);
    exit(125);
}

static void send_descriptor(int channel, int descriptor) {
    char room[CMSG_SPACE(sizeof descriptor)] = {0}, byte = 0;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptor)};
    *(int *)CMSG_DATA(header) = descriptor;
    if (sendmsg(channel, &message, 0) != 1) fail("sendmsg");
}

static int receive_descriptor(int channel) {
    char room[CMSG_SPACE(sizeof(int))], byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message)) exit(125);
    return *(int *)CMSG_DATA(CMSG_FIRSTHDR(&message));
}

// Ends when the last process with the filter has ended.
static void answer(int listener, int version) {
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    while (poll(&wait, 1, -1) == 1 && !(wait.revents & POLLHUP)) {
        struct seccomp_notif call = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == -1) continue;
        struct seccomp_notif_resp reply = {.id = call.id};
        if (call.data.args[2] == VERSION_FLAG) reply.val = version;
        else reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
    }
}

int main(int count, char **arguments) {
    if (count < 3) return 125;
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == -1) fail("socketpair");
    // Forked twice: COMMAND gets no child that it did not start.
    pid_t between = fork();
    if (between == 0) {
        if (fork() != 0) _exit(0);
        close(channel[1]);
        for (int number = 0; number < 3; number++) close(number);
        answer(receive_descriptor(channel[0]), atoi(arguments[1]));
        _exit(0);
    }
    while (wait4(between, NULL, 0, NULL) == -1 && errno == EINTR) {}
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CREATE_RULESET, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) fail("no_new_privs");
    int listener =
        (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener == -1) fail("seccomp");
    send_descriptor(channel[1], listener);
    close(listener);
    execvp(arguments[2], arguments + 2);
    return fail("exec");
}
