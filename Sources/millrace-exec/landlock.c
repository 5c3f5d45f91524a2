#define _GNU_SOURCE
#include "landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Rights that came after the oldest headers that this is built with.
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

static const uint64_t file_reading = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
static const uint64_t reading = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t file_writing =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV;

static int version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

// Everything that this kernel's version can deny: what is not handled would stay allowed.
static uint64_t handled(int version) {
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version >= 5) rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return rights;
}

bool landlock_available(void) { return version() > 0; }

static bool allow(int ruleset, const struct allowed_path *allowed, uint64_t handled) {
    int place = open(allowed->path, O_PATH | O_CLOEXEC);
    if (place == -1) return false;
    struct stat status;
    bool ok = fstat(place, &status) == 0;
    uint64_t rights = allowed->writable ? handled : reading;
    // The rights of directories are refused for a file.
    if (ok && !S_ISDIR(status.st_mode)) rights = allowed->writable ? file_reading | file_writing : file_reading;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights & handled, .parent_fd = place};
    ok = ok && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(place);
    return ok;
}

bool landlock_restrict(const struct options *options, const char **failed_path) {
    struct landlock_ruleset_attr rules = {.handled_access_fs = handled(version())};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (ruleset == -1) return false;
    for (int index = 0; index < options->path_count; index++) {
        if (allow(ruleset, &options->paths[index], rules.handled_access_fs)) continue;
        *failed_path = options->paths[index].path;
        return false;
    }
    return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}
