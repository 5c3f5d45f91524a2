// Landlock (landlock(7)): the command reaches only the paths that it was given, or all but those that are hidden.
#ifndef MILLRACE_LANDLOCK_H
#define MILLRACE_LANDLOCK_H

#include <stdbool.h>

#include "options.h"

// What the running kernel has of it; 0: nothing.
int landlock_version(void);

// Whether there is anything to restrict.
bool landlock_wanted(const struct options *options);

// Restricts the calling process for good, and all that it starts. False with errno, and the path at fault if any.
bool landlock_restrict(const struct options *options, const char **failed_path);

#endif
