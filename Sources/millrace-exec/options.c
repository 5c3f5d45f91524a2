#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: millrace-exec [OPTION]... -- COMMAND [ARGUMENT]...\n"
    "\n"
    "Runs COMMAND for the millrace daemon, reports how it ended, and leaves nothing of it behind: when COMMAND ends,\n"
    "when the daemon says so, and when the daemon dies, every process that descends from COMMAND is killed.\n"
    "\n"
    "  --memory-bytes N   limit of the address space (RLIMIT_AS)\n"
    "  --cpu-seconds N    limit of CPU time: SIGXCPU, a second later SIGKILL (RLIMIT_CPU)\n"
    "  --files N          limit of open files (RLIMIT_NOFILE)\n"
    "  --processes N      limit of processes of the user (RLIMIT_NPROC)\n"
    "  --cgroup DIR       a cgroup (version 2) for COMMAND alone is made in this one, and removed with it\n"
    "  --tree-processes N limit of processes of COMMAND, all together (pids.max of that cgroup)\n"
    "  --read PATH        COMMAND may read and execute what is beneath PATH, and nothing else (Landlock)\n"
    "  --write PATH       COMMAND may read and write what is beneath PATH, and nothing else (Landlock)\n"
    "  --hide PATH        COMMAND reaches everything but what is beneath PATH (Landlock)\n"
    "  --keep PATH        COMMAND changes nothing beneath PATH, whatever the permissions say (Landlock)\n"
    "  --cwd DIR          working directory of COMMAND\n"
    "  --help             this text\n"
    "\n"
    "Each limit holds for every process of COMMAND. --read and --write may be repeated; with any of them, COMMAND\n"
    "reaches only the paths named, its own program and libraries included. --hide and --keep may be repeated; with any of\n"
    "them, --read and --write open places beneath what is closed. In a folder that contains what is hidden or kept,\n"
    "COMMAND can use what is there when it starts, and make nothing new. Whoever is restricted can signal and inspect\n"
    "only processes of COMMAND, and set limits, priorities and scheduling of itself alone (seccomp); on kernels whose\n"
    "Landlock does not know signals, the helper and the daemon are out of reach. COMMAND is looked up in PATH.\n"
    "\n"
    "Descriptor 3 must be a stream socket to the daemon. From it come lines T<milliseconds>: SIGTERM to the whole\n"
    "tree, and SIGKILL to what is left when the time is over; its end is SIGKILL at once. To it go lines notice TEXT,\n"
    "and last one of exit N, signal N, error WHAT: WHY. The exit status is COMMAND's, 128 + N after signal N, 127 when\n"
    "COMMAND does not exist, 126 when it cannot be run, 125 for a wrong use of millrace-exec.\n";

static bool complain(const char *what, const char *subject) {
    fprintf(stderr, "millrace-exec: %s%s%s; see --help\n", what, *subject ? ": " : "", subject);
    return false;
}

static bool parse_number(const char *name, const char *text, long long *number) {
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *number < 0) return complain("not a number from 0 up", name);
    return true;
}

static bool add_path(struct options *options, const char *path, bool writable) {
    if (options->path_count == PATHS_MAX) return complain("more than 256 paths", "");
    options->paths[options->path_count++] = (struct allowed_path){.path = path, .writable = writable};
    return true;
}

static bool add_closed(const char **paths, int *count, int count_max, const char *path) {
    if (*count == count_max) return complain("more than 64 paths to hide or to keep", "");
    if (path[0] != '/') return complain("a path to hide or to keep must be absolute", path);
    paths[(*count)++] = path;
    return true;
}

static bool parse_option(const char *name, const char *value, struct options *options) {
    if (!strcmp(name, "--memory-bytes")) return parse_number(name, value, &options->memory_bytes);
    if (!strcmp(name, "--cpu-seconds")) return parse_number(name, value, &options->cpu_seconds);
    if (!strcmp(name, "--files")) return parse_number(name, value, &options->files);
    if (!strcmp(name, "--processes")) return parse_number(name, value, &options->processes);
    if (!strcmp(name, "--read")) return add_path(options, value, false);
    if (!strcmp(name, "--write")) return add_path(options, value, true);
    if (!strcmp(name, "--tree-processes")) return parse_number(name, value, &options->tree_processes);
    if (!strcmp(name, "--hide")) return add_closed(options->hidden, &options->hidden_count, HIDDEN_MAX, value);
    if (!strcmp(name, "--keep")) return add_closed(options->kept, &options->kept_count, KEPT_MAX, value);
    if (!strcmp(name, "--cgroup")) {
        options->cgroup = value;
        return true;
    }
    if (!strcmp(name, "--cwd")) {
        options->directory = value;
        return true;
    }
    return complain("unknown option", name);
}

bool parse_options(int count, char **arguments, struct options *options) {
    memset(options, 0, sizeof *options);
    options->memory_bytes = options->cpu_seconds = options->files = -1;
    options->processes = options->tree_processes = -1;
    int index = 1;
    while (index < count && strcmp(arguments[index], "--") != 0) {
        if (!strcmp(arguments[index], "--help")) {
            fputs(help, stdout);
            options->wants_help = true;
            return true;
        }
        if (index + 1 == count) return complain("option without a value", arguments[index]);
        if (!parse_option(arguments[index], arguments[index + 1], options)) return false;
        index += 2;
    }
    if (index + 1 >= count) return complain("no command after --", "");
    options->command = arguments + index + 1;
    return true;
}
