// Debian's libsystemd-dev.
#pragma once
// Each caller gives its own location: the macros of the header would give this file's.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
