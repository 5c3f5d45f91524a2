// The command line of millrace-exec.
#ifndef MILLRACE_OPTIONS_H
#define MILLRACE_OPTIONS_H

#include <stdbool.h>

// A command needs few; the bound keeps the options a plain value.
#define PATHS_MAX 256
#define HIDDEN_MAX 64
#define KEPT_MAX 64

struct allowed_path {
    const char *path;
    bool writable;
};

struct options {
    // Limits of the command; -1 where none was given.
    long long memory_bytes;
    long long cpu_seconds;
    long long files;
    long long processes;
    long long tree_processes;
    // What Landlock leaves open. With no path, hidden ones included, nothing is restricted.
    struct allowed_path paths[PATHS_MAX];
    int path_count;
    // What it closes; all else is then open.
    const char *hidden[HIDDEN_MAX];
    int hidden_count;
    // What it opens for reading only.
    const char *kept[KEPT_MAX];
    int kept_count;
    // The delegated cgroup that each command gets one beneath.
    const char *cgroup;
    const char *directory;
    // Null-terminated, the program first.
    char **command;
    bool wants_help;
};

// False after it has said on stderr what is wrong; `--help` prints the help and sets wants_help.
bool parse_options(int count, char **arguments, struct options *options);

#endif
