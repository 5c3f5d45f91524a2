#define _GNU_SOURCE
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cgroup no_cgroup = {.parent = -1, .processes = -1, .kill = -1};

static bool put(int file, const char *text) { return write(file, text, strlen(text)) == (ssize_t)strlen(text); }

// Where no controller counts processes, nothing bounds them here.
static void bound(int folder, long long processes_max) {
    if (processes_max < 0) return;
    int file = openat(folder, "pids.max", O_WRONLY | O_CLOEXEC);
    if (file == -1) return;
    char text[24];
    snprintf(text, sizeof text, "%lld", processes_max);
    put(file, text);
    close(file);
}

static bool open_files(struct cgroup *cgroup, long long processes_max) {
    int folder = openat(cgroup->parent, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == -1) return false;
    cgroup->processes = openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    // Since Linux 5.14.
    cgroup->kill = openat(folder, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    bound(folder, processes_max);
    int code = errno;
    close(folder);
    errno = code;
    return cgroup->processes != -1;
}

bool cgroup_make(struct cgroup *cgroup, const char *folder, long long processes_max) {
    *cgroup = no_cgroup;
    cgroup->parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup->parent == -1) return false;
    snprintf(cgroup->name, sizeof cgroup->name, "tree-%d", getpid());
    // One that a process of the same pid has left is empty, or the daemon would have killed what is in it.
    if (mkdirat(cgroup->parent, cgroup->name, 0700) == -1 && errno != EEXIST) return false;
    if (open_files(cgroup, processes_max)) return true;
    int code = errno;
    cgroup_remove(cgroup);
    *cgroup = no_cgroup;
    errno = code;
    return false;
}

bool cgroup_enter(const struct cgroup *cgroup) { return cgroup->processes == -1 || put(cgroup->processes, "0"); }

void cgroup_kill(const struct cgroup *cgroup) {
    if (cgroup->kill != -1) put(cgroup->kill, "1");
}

void cgroup_remove(const struct cgroup *cgroup) {
    if (cgroup->parent != -1) unlinkat(cgroup->parent, cgroup->name, AT_REMOVEDIR);
}
