// seccomp(2): what Landlock has no hook for, or has one only in later versions.
#ifndef MILLRACE_FILTER_H
#define MILLRACE_FILTER_H

#include <stdbool.h>
#include <sys/types.h>

// Whether the running kernel has it.
bool filter_available(void);

// Filters the system calls of the calling process for good, and of all that it starts: EPERM for limits, priorities and
// scheduling of any process but the caller, for calls of another architecture, and for what `landlock_version`
// (0: none) leaves open. Signals to the helper and to the daemon's threads are refused where Landlock does not keep
// them in. Takes no_new_privs. False with errno.
bool filter_restrict(int landlock_version, pid_t helper, pid_t daemon);

#endif
