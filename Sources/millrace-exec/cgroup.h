// A control group (cgroups(7), version 2) for one command: it is killed as a whole, and its processes are counted.
#ifndef MILLRACE_CGROUP_H
#define MILLRACE_CGROUP_H

#include <stdbool.h>

// Descriptors are opened when it is made, so that what the command does to this process's limits later changes nothing.
struct cgroup {
    int parent, processes, kill;
    char name[32];
};

// Makes tree-PID, of this process's pid, beneath the folder of a cgroup that is delegated to this user.
// `processes_max` is -1 for no bound. False with errno; then there is none, and the other calls do nothing.
bool cgroup_make(struct cgroup *cgroup, const char *folder, long long processes_max);

// Moves the calling process into it.
bool cgroup_enter(const struct cgroup *cgroup);

// SIGKILL to all that is in it, and to what forks meanwhile.
void cgroup_kill(const struct cgroup *cgroup);

// Takes it away once nothing is in it.
void cgroup_remove(const struct cgroup *cgroup);

#endif
