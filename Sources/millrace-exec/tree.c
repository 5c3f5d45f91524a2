// The tree is read from /proc/PID/task/TID/children (proc(5)): it needs no scan of all processes. The list may be stale
// as soon as it is read, so a process is signalled through a pidfd, after a look at whether the process that the pidfd
// names still has the parent that listed it. A pid that was reused by a stranger fails that look.
#define _GNU_SOURCE
#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// Deeper trees are reached all the same: as their upper part dies, the lower part becomes ours.
enum { DEPTH_MAX = 256 };

static pid_t parent_of(pid_t pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file == -1) return -1;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return -1;
    text[count] = '\0';
    // "pid (name) state parent …": the name may hold anything, even parentheses.
    const char *name_end = strrchr(text, ')');
    int parent;
    return name_end && sscanf(name_end + 1, " %*c %d", &parent) == 1 ? parent : -1;
}

static void signal_children(pid_t parent, int signal, int depth);

static void signal_subtree(pid_t pid, pid_t parent, int signal, int depth) {
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process == -1) return;
    if (parent_of(pid) == parent) {
        // Children first: who loses its parent is listed elsewhere before the walk gets there.
        signal_children(pid, signal, depth + 1);
        syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
    }
    close(process);
}

static void signal_children_of_thread(pid_t parent, const char *thread, int signal, int depth) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", parent, thread);
    FILE *children = fopen(path, "re");
    if (!children) return;
    int child;
    while (fscanf(children, "%d", &child) == 1) signal_subtree(child, parent, signal, depth);
    fclose(children);
}

static void signal_children(pid_t parent, int signal, int depth) {
    if (depth == DEPTH_MAX) return;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", parent);
    DIR *threads = opendir(path);
    if (!threads) return;
    struct dirent *thread;
    while ((thread = readdir(threads)))
        if (thread->d_name[0] != '.') signal_children_of_thread(parent, thread->d_name, signal, depth);
    closedir(threads);
}

void signal_descendants(int signal) { signal_children(getpid(), signal, 0); }
