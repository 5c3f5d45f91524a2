// Landlock can only open what it has closed, so "everything but the hidden paths" is said by opening all that lies beside
// the way to them: for /var/lib/millrace, each entry of /, each of /var but lib, each of /var/lib but millrace.
#define _GNU_SOURCE
#include "landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

// struct landlock_ruleset_attr as newer kernels have it; older ones are told of its beginning only.
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

static const uint64_t file_reading = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
static const uint64_t reading = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t file_writing =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV;
// Device files would lead around everything.
static const uint64_t never = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

// The hidden paths without links, for comparing with what lies in folders.
struct hidden {
    char paths[HIDDEN_MAX][PATH_MAX];
    int count;
};

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

bool landlock_wanted(const struct options *options) { return options->path_count > 0 || options->hidden_count > 0; }

static int make_ruleset(uint64_t *rights) {
    int known = version();
    struct ruleset rules = {.handled_access_fs = handled(known), .scoped = LANDLOCK_SCOPE_SIGNAL};
    // Network rules came with version 4, scopes with version 6.
    size_t size = known >= 6 ? sizeof rules : offsetof(struct ruleset, handled_access_net);
    *rights = rules.handled_access_fs;
    return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

static bool add_rule(int ruleset, int place, uint64_t rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = place};
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static bool allow(int ruleset, const struct allowed_path *allowed, uint64_t handled) {
    int place = open(allowed->path, O_PATH | O_CLOEXEC);
    if (place == -1) return false;
    struct stat status;
    bool ok = fstat(place, &status) == 0;
    uint64_t rights = allowed->writable ? handled & ~never : reading;
    // The rights of directories are refused for a file.
    if (ok && !S_ISDIR(status.st_mode)) rights = allowed->writable ? file_reading | file_writing : file_reading;
    ok = ok && add_rule(ruleset, place, rights & handled);
    close(place);
    return ok;
}

// MARK: everything but

// The path without links; of one that does not exist yet, as much of it as does.
static bool resolve(const char *path, char *resolved) {
    char beginning[PATH_MAX];
    if (snprintf(beginning, sizeof beginning, "%s", path) >= (int)sizeof beginning) return false;
    const char *rest = "";
    while (!realpath(beginning, resolved)) {
        char *slash = strrchr(beginning, '/');
        if (errno != ENOENT || !slash) return false;
        rest = path + (slash - beginning);
        *slash = '\0';
        // Of /no/such nothing is left but the root, whose slash is the rest's.
        if (slash == beginning) {
            resolved[0] = '\0';
            break;
        }
    }
    size_t length = strlen(resolved);
    return snprintf(resolved + length, PATH_MAX - length, "%s", rest) < (int)(PATH_MAX - length);
}

// Whether `path` is hidden (0: no, 1: something beneath it is, 2: itself).
static int hides(const struct hidden *hidden, const char *path) {
    // Device files of disks are looked at one by one.
    int found = strcmp(path, "/dev") ? 0 : 1;
    size_t length = strlen(path);
    for (int index = 0; index < hidden->count; index++) {
        const char *each = hidden->paths[index];
        if (strncmp(each, path, length) != 0) continue;
        if (each[length] == '\0') return 2;
        if (each[length] == '/') found = 1;
    }
    return found;
}

static void allow_entries(int ruleset, const char *folder, const struct hidden *hidden, uint64_t handled);

static void allow_entry(int ruleset, const char *path, const struct hidden *hidden, uint64_t handled) {
    // A link opens nothing: what it leads to is opened, or not, where it really is.
    int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (place == -1) return;
    if (fstat(place, &status) == 0 && !S_ISLNK(status.st_mode) && !S_ISBLK(status.st_mode)) {
        // What no rule can be made for stays closed.
        switch (hides(hidden, path)) {
        case 0: add_rule(ruleset, place, handled & (S_ISDIR(status.st_mode) ? ~never : file_reading | file_writing)); break;
        case 1: allow_entries(ruleset, path, hidden, handled); break;
        }
    }
    close(place);
}

static void allow_entries(int ruleset, const char *folder, const struct hidden *hidden, uint64_t handled) {
    DIR *entries = opendir(folder);
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") ? folder : "", entry->d_name);
        if (length < (int)sizeof path) allow_entry(ruleset, path, hidden, handled);
    }
    closedir(entries);
}

static bool allow_all_but_hidden(
    int ruleset, const struct options *options, uint64_t handled, const char **failed_path) {
    static struct hidden hidden;
    for (int index = 0; index < options->hidden_count; index++) {
        *failed_path = options->hidden[index];
        if (!resolve(options->hidden[index], hidden.paths[hidden.count++])) return false;
    }
    *failed_path = "/";
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    // Folders can be listed everywhere, as far as their permissions allow: names are no secret.
    bool ok = root != -1 && add_rule(ruleset, root, LANDLOCK_ACCESS_FS_READ_DIR);
    if (root != -1) close(root);
    allow_entries(ruleset, "/", &hidden, handled);
    return ok;
}

bool landlock_restrict(const struct options *options, const char **failed_path) {
    uint64_t handled;
    int ruleset = make_ruleset(&handled);
    if (ruleset == -1) return false;
    if (options->hidden_count > 0 && !allow_all_but_hidden(ruleset, options, handled, failed_path)) return false;
    for (int index = 0; index < options->path_count; index++) {
        if (allow(ruleset, &options->paths[index], handled)) continue;
        *failed_path = options->paths[index].path;
        return false;
    }
    *failed_path = "";
    return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}
