"""Commands of the command line, as people and scripts run them."""

import os
import subprocess

from daemon import BINARY, clean_environment


def millrace(*arguments, environment=None, stdin=subprocess.DEVNULL, **options):
    """Runs a command to its end."""
    kept = {name: value for name, value in clean_environment().items() if not name.upper().endswith("_PROXY")}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    if isinstance(stdin, str):
        options["input"] = stdin
    else:
        options["stdin"] = stdin
    return subprocess.run(
        [str(part) for part in (BINARY, *arguments)], text=True, timeout=60, env=kept | (environment or {}), **options)


def at(daemon):
    """The variables by which commands find a daemon."""
    return {"MILLRACE_SERVER": f"unix:{daemon.socket_path}"}


def closing(*descriptors):
    """For `preexec_fn`: closes descriptors before the program begins."""
    def close():
        for descriptor in descriptors:
            os.close(descriptor)

    return close
