"""Notes what a node changes in its process by calling a function, so that nobody has to look for it after each call.

The functions are replaced once, before any node's code is loaded: who takes them by name takes these. Before the first change
of something each notes how to undo it, and calls the real one. What a module changes while it is imported belongs to the
module, which stays, and is not noted.
"""

import _locale
import _posixsubprocess
import faulthandler
import functools
import locale
import logging
import os
import resource
import signal
import subprocess
import sys

_IMPORT = "<frozen importlib._bootstrap>"
_SUPPORTS = (os.supports_fd, os.supports_follow_symlinks, os.supports_dir_fd, os.supports_effective_ids)

# What the worker itself uses, whatever becomes of the names.
close, dup, dup2, fchdir, getsignal, open_file = os.close, os.dup, os.dup2, os.fchdir, signal.getsignal, os.open
partial, replace_signal, set_timer = functools.partial, signal.signal, signal.setitimer


class Changes:
    """What was changed since the last `clear`."""

    def __init__(self, own_descriptors=()):
        self.undo = {}  # what was changed -> how to undo it; None where nobody can
        self.children = {}  # process id of what was started -> its words, or none for a fork
        self.is_loading = False
        self.own_descriptors = frozenset(own_descriptors)
        self.spare = []  # copies of the standard descriptors

    def note(self, what, undoing):
        """Before a change: `undoing` makes the function that undoes it."""
        if what not in self.undo and not self.is_loading and not _is_importing():
            self.undo[what] = undoing()

    def note_child(self, pid, words=()):
        if pid and not self.is_loading and not _is_importing():
            self.children[pid] = list(words)

    def clear(self):
        self.undo = {}
        self.children = {}

    def protect(self, loop):
        """The descriptors that an event loop lives by are the worker's own too."""
        holders = [getattr(loop, name, None) for name in ("_selector", "_ssock", "_csock")]
        self.own_descriptors |= {holder.fileno() for holder in holders if holder is not None}

    def take_output(self, descriptor):
        """Makes a descriptor, which is closed, the standard output."""
        dup2(descriptor, 1)
        dup2(descriptor, self.spare[1], inheritable=False)
        close(descriptor)

    def install(self):
        self._watch_process()
        self._watch_signals()
        self._watch_descriptors()
        self._watch_children()
        self._watch_logging()

    def _watch_process(self):
        for name in ("chdir", "fchdir"):
            _hook(os, name, lambda *_: self.note("the working directory", _return_here))
        # There is no way to ask for it but to set it.
        _hook(os, "umask", lambda *_: self.note("the umask", lambda: partial(real_umask, _umask_now())))
        for name in ("putenv", "unsetenv"):
            _hook(os, name, lambda key, *_: self._note_variable(os.fsencode(key)))
        _hook(_locale, "setlocale", self._note_locale)
        locale._setlocale = _locale.setlocale
        _hook(resource, "setrlimit", lambda kind, _: self.note(
            "limit %d" % kind, lambda: partial(real_setrlimit, kind, resource.getrlimit(kind))))
        _hook(os, "sched_setaffinity", lambda pid, _: self.note(
            "the processors", lambda: partial(real_sched_setaffinity, 0, os.sched_getaffinity(0))))
        for name in ("nice", "setpriority"):
            _hook(os, name, lambda *_: self.note("the priority", _renice))
        for name in ("chroot", "setsid", "setpgid", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid"):
            _hook(os, name, lambda *_, name=name: self.note("os." + name, lambda: None))

    def _note_variable(self, key):
        self.note(("variable", key), lambda: partial(_set_variable, key, os.environ._data.get(key)))

    def _note_locale(self, category, name=None):
        if name is not None:
            self.note("the locale", lambda: partial(real_setlocale, _locale.LC_ALL, real_setlocale(_locale.LC_ALL, None)))

    def _watch_signals(self):
        for name in ("signal", "siginterrupt"):
            _hook(signal, name, lambda number, *_: self._note_signal(int(number)))
        for name in ("setitimer", "alarm"):
            _hook(signal, name, lambda *_: self.note("timers", lambda: _stop_timers))
        _hook(faulthandler, "dump_traceback_later", lambda *_, **__: self.note(
            "the watch over hanging", lambda: faulthandler.cancel_dump_traceback_later))
        _hook(signal, "pthread_sigmask", lambda *_: self.note("blocked signals", lambda: partial(
            real_sigmask, signal.SIG_SETMASK, real_sigmask(signal.SIG_BLOCK, ()))))
        _hook(signal, "set_wakeup_fd", lambda *_, **__: self.note("the wakeup descriptor", _keep_wakeup))

    def _note_signal(self, number):
        self.note(("signal", number), lambda: partial(_set_signal, number, getsignal(number)))

    def _watch_descriptors(self):
        spare = self.spare = [dup(number) for number in range(3)]
        self.own_descriptors |= frozenset(spare)

        def note(*numbers):
            if any(number in (0, 1, 2) for number in numbers):
                self.note("the standard descriptors", lambda: partial(_reopen, spare))

        _hook(os, "dup2", lambda _, number, *more: note(number))
        real_close, real_closerange = os.close, os.closerange

        @functools.wraps(real_close)
        def close(fd):
            if fd in self.own_descriptors:
                # As for one that is not open: who closes all that there is means others.
                return real_close(-1)
            if fd in (0, 1, 2):
                note(fd)
            return real_close(fd)

        @functools.wraps(real_closerange)
        def closerange(fd_low, fd_high, /):
            note(*range(max(fd_low, 0), min(fd_high, 3)))
            for own in sorted(self.own_descriptors):
                if fd_low <= own < fd_high:
                    real_closerange(fd_low, own)
                    fd_low = own + 1
            return real_closerange(fd_low, fd_high)

        _put(os, "close", close)
        _put(os, "closerange", closerange)

    def _watch_children(self):
        for holder, name in ((_posixsubprocess, "fork_exec"), (subprocess, "_fork_exec")):
            _hook(holder, name, after=lambda pid, words, *_: self.note_child(pid, words))
        for name in ("posix_spawn", "posix_spawnp"):
            _hook(os, name, after=lambda pid, _, words, *__, **___: self.note_child(pid, words))
        _hook(os, "fork", after=self.note_child)
        _hook(os, "forkpty", after=lambda made: self.note_child(made[0]))

    def _watch_logging(self):
        for name in ("setLevel", "addHandler", "removeHandler"):
            _hook(logging.Logger, name, lambda *_: self.note("logging", Logging))
        _hook(logging, "disable", lambda *_, **__: self.note("logging", Logging))


def _hook(holder, name, before=None, after=None):
    real = getattr(holder, name, None)
    if real is None:
        return

    @functools.wraps(real)
    def hooked(*arguments, **named):
        if before is not None:
            try:
                before(*arguments, **named)
            except Exception:
                # What cannot be noted is most likely a mistake, which the real one refuses.
                pass
        result = real(*arguments, **named)
        if after is not None:
            after(result, *arguments, **named)
        return result

    _put(holder, name, hooked)


def _put(holder, name, hooked):
    real = getattr(holder, name)
    if real.__module__ == "posix":
        # Where pickle finds it.
        hooked.__module__ = "os"
    setattr(holder, name, hooked)
    for functions in _SUPPORTS:
        if real in functions:
            functions.add(hooked)


def _is_importing():
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


# --- How things are undone ---------------------------------------------------------------------------------------------

real_umask, real_putenv, real_unsetenv, real_setlocale = os.umask, os.putenv, os.unsetenv, _locale.setlocale
real_setrlimit, real_sched_setaffinity = resource.setrlimit, getattr(os, "sched_setaffinity", None)
real_sigmask, real_wakeup, real_setpriority = signal.pthread_sigmask, signal.set_wakeup_fd, os.setpriority


def _return_here():
    here = open_file(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", 0))

    def undo():
        try:
            fchdir(here)
        finally:
            close(here)
    return undo


def _umask_now():
    mask = real_umask(0o077)
    real_umask(mask)
    return mask


def _set_variable(key, value):
    if value is None:
        real_unsetenv(key)
        os.environ._data.pop(key, None)
    else:
        real_putenv(key, value)
        os.environ._data[key] = value
    if key == b"TZ":
        sys.modules["time"].tzset()


def _set_signal(number, handler):
    if getsignal(number) is not handler:
        # None is one that C code has set: nobody here can set it again, and it is said.
        replace_signal(number, handler)


def _stop_timers():
    for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        set_timer(which, 0)


def _keep_wakeup():
    before = real_wakeup(-1)
    real_wakeup(before)
    return partial(real_wakeup, before)


def _reopen(spare):
    for number in range(3):
        dup2(spare[number], number)


def _renice():
    before = os.getpriority(os.PRIO_PROCESS, 0)
    return lambda: real_setpriority(os.PRIO_PROCESS, 0, before)


class Logging:
    """How loggers were set up, to be called when they are to be so again."""

    def __init__(self):
        self.disable = logging.root.manager.disable
        self.loggers = {
            logger: (logger.level, list(logger.handlers), logger.propagate, logger.disabled, list(logger.filters))
            for logger in self._all()}

    def _all(self):
        known = logging.root.manager.loggerDict.values()
        return [logging.root, *(logger for logger in list(known) if isinstance(logger, logging.Logger))]

    def __call__(self):
        logging.root.manager.disable = self.disable
        for logger in self._all():
            # Of a new one, what its module has given it on import stays: that takes nothing anywhere.
            own = [handler for handler in logger.handlers if isinstance(handler, logging.NullHandler)]
            level, handlers, propagate, disabled, filters = self.loggers.get(logger, (0, own, True, False, []))
            added = [handler for handler in logger.handlers if handler not in handlers]
            logger.level, logger.propagate, logger.disabled = level, propagate, disabled
            logger.handlers[:] = handlers
            logger.filters[:] = filters
            for handler in added:
                handler.close()
        logging.root.manager._clear_cache()
