// Landlock can only open what it has closed, so "everything but the hidden paths" is said by opening all that lies beside
// the way to them: for /var/lib/millrace, each entry of /, each of /var but lib, each of /var/lib but millrace. What is
// kept is opened for reading only, in the same walk.
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

// The hidden and the kept paths without links, for comparing with what lies in folders.
struct closed {
    char paths[HIDDEN_MAX + KEPT_MAX][PATH_MAX];
    // The first are the hidden ones.
    int hidden_count, count;
};

// Deeper folders of /dev are taken for full of disks.
enum { DEV_DEPTH_MAX = 16 };

// How much of what lies beneath a path is open.
enum openness { ALL_OPEN, SOME_OPEN, READABLE, HIDDEN };

int landlock_version(void) {
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : version;
}

// Everything that this kernel's version can deny: what is not handled would stay allowed.
static uint64_t handled(int version) {
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version >= 5) rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return rights;
}

bool landlock_wanted(const struct options *options) {
    return options->path_count > 0 || options->hidden_count > 0 || options->kept_count > 0;
}

static int make_ruleset(uint64_t *rights) {
    int known = landlock_version();
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

static enum openness openness(const struct closed *closed, const char *path) {
    enum openness found = ALL_OPEN;
    size_t length = strlen(path);
    for (int index = 0; index < closed->count; index++) {
        const char *each = closed->paths[index];
        if (strncmp(each, path, length) != 0) continue;
        if (each[length] == '\0' && index < closed->hidden_count) return HIDDEN;
        // A hidden path may lie beneath a kept one: then its entries are looked at one by one, and the rest is open.
        if (each[length] == '\0' && found == ALL_OPEN) found = READABLE;
        if (each[length] == '/') found = SOME_OPEN;
    }
    return found;
}

// Whether a device file of a disk lies at any depth beneath a folder of /dev. Other file systems that are mounted there
// (shm, pts, mqueue) hold none.
static bool contains_disk(int parent, const char *name, dev_t file_system, int depth) {
    if (depth == DEV_DEPTH_MAX) return true;
    int place = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (place == -1 || fstat(place, &status) == -1 || status.st_dev != file_system) {
        if (place != -1) close(place);
        return false;
    }
    DIR *entries = fdopendir(place);
    if (!entries) {
        close(place);
        return true;
    }
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(entries));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        found = entry->d_type == DT_BLK ||
                (entry->d_type == DT_DIR && contains_disk(place, entry->d_name, file_system, depth + 1));
    }
    closedir(entries);
    return found;
}

// Disks would lead around everything: a folder of /dev that holds one is looked at entry by entry.
static bool holds_disks(const char *path, const struct stat *status) {
    if (!strcmp(path, "/dev")) return true;
    return !strncmp(path, "/dev/", 5) && S_ISDIR(status->st_mode) && contains_disk(AT_FDCWD, path, status->st_dev, 0);
}

static void allow_entries(int ruleset, const char *folder, const struct closed *closed, uint64_t handled);

static void allow_entry(int ruleset, const char *path, const struct closed *closed, uint64_t handled) {
    // A link opens nothing: what it leads to is opened, or not, where it really is.
    int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (place == -1) return;
    if (fstat(place, &status) == 0 && !S_ISLNK(status.st_mode) && !S_ISBLK(status.st_mode)) {
        bool is_folder = S_ISDIR(status.st_mode);
        enum openness open = openness(closed, path);
        if (open == ALL_OPEN && holds_disks(path, &status)) open = SOME_OPEN;
        // What no rule can be made for stays closed.
        switch (open) {
        case ALL_OPEN: add_rule(ruleset, place, handled & (is_folder ? ~never : file_reading | file_writing)); break;
        case READABLE: add_rule(ruleset, place, is_folder ? reading : file_reading); break;
        case SOME_OPEN: allow_entries(ruleset, path, closed, handled); break;
        case HIDDEN: break;
        }
    }
    close(place);
}

static void allow_entries(int ruleset, const char *folder, const struct closed *closed, uint64_t handled) {
    DIR *entries = opendir(folder);
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") ? folder : "", entry->d_name);
        if (length < (int)sizeof path) allow_entry(ruleset, path, closed, handled);
    }
    closedir(entries);
}

static bool allow_all_but_closed(
    int ruleset, const struct options *options, uint64_t handled, const char **failed_path) {
    static struct closed closed;
    for (int index = 0; index < options->hidden_count + options->kept_count; index++) {
        bool is_hidden = index < options->hidden_count;
        *failed_path = is_hidden ? options->hidden[index] : options->kept[index - options->hidden_count];
        if (!resolve(*failed_path, closed.paths[closed.count++])) return false;
        if (is_hidden) closed.hidden_count++;
    }
    *failed_path = "/";
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    // Folders can be listed everywhere, as far as their permissions allow: names are no secret.
    bool ok = root != -1 && add_rule(ruleset, root, LANDLOCK_ACCESS_FS_READ_DIR);
    if (root != -1) close(root);
    allow_entries(ruleset, "/", &closed, handled);
    return ok;
}

bool landlock_restrict(const struct options *options, const char **failed_path) {
    uint64_t handled;
    int ruleset = make_ruleset(&handled);
    if (ruleset == -1) return false;
    bool is_open = options->hidden_count > 0 || options->kept_count > 0;
    if (is_open && !allow_all_but_closed(ruleset, options, handled, failed_path)) return false;
    for (int index = 0; index < options->path_count; index++) {
        if (allow(ruleset, &options->paths[index], handled)) continue;
        *failed_path = options->paths[index].path;
        return false;
    }
    *failed_path = "";
    return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}
