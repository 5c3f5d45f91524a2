// Debian's libsystemd-dev.
#pragma once
#include <systemd/sd-daemon.h>
