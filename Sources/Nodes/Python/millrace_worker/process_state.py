"""What a call finds in its process is what a new one would have: after each call it is put back.

What is changed by calling a function is noted then (`changes`); what is changed by an assignment is seen by comparing
identities, which takes about a microsecond where nothing was touched. What a module does while it is loaded stays, as the
module does.

Coroutines share their process while they run: what they change is put back once none of them runs any more.
"""

import asyncio.events
import builtins
import contextvars
import faulthandler
import gc
import json
import os
import socket
import sys
import threading
import time
import warnings
from operator import attrgetter

from .changes import Changes
from .children import end_children

_NAMES = (
    (sys, "stdin stdout stderr __stdin__ __stdout__ __stderr__ path argv excepthook displayhook unraisablehook "
          "breakpointhook dont_write_bytecode"),
    (os, "environ getcwd listdir open read write"),
    (builtins, "print open input __import__ exit quit"),
    (json, "loads dumps load dump"),
    (time, "time sleep monotonic"),
    (threading, "excepthook"),
    (warnings, "filters showwarning formatwarning"),
    (asyncio.events, "_event_loop_policy"),
)
_TRIES = 3  # a signal handler of the node may break in, once for each timer


class ProcessState:
    def __init__(self, own_descriptors=()):
        self.changes = Changes(own_descriptors)
        self.decimal = None  # the context that modules have made

    def install(self):
        self.changes.install()
        self.keep()

    def keep(self):
        """What is there now is what calls find: modules were loaded, or nothing has run yet."""
        self.pins = []
        for holder, names in _NAMES:
            names = [name for name in names.split() if hasattr(holder, name)]
            get = attrgetter(*names)
            self.pins.append((get, holder, names, get(holder)))
        self.lists = [(value, list(value)) for value in (sys.path, sys.argv, warnings.filters)]
        self.streams = [(stream, dict(vars(stream))) for stream in (sys.stdout, sys.stderr) if hasattr(stream, "__dict__")]
        self.settings = self.settings_now()
        self.start_method = _start_method()
        self.finalizers = frozenset(_finalizers())
        policy = getattr(asyncio.events, "_event_loop_policy", None)
        # What such a policy knows of its thread, which asyncio.run changes.
        self.policy = policy if hasattr(policy, "_local") else None
        self.policy_local = vars(policy._local).copy() if self.policy else {}
        self.decimal = None
        for variable in contextvars.copy_context():
            if variable.name == "decimal_context":
                self.decimal = sys.modules["decimal"].getcontext().copy()

    def keep_lists(self):
        """A module was loaded while coroutines run, whose changes are none of what calls find. What modules add to are the
        lists; the rest stays as it was kept."""
        self.lists = [(value, list(value)) for value, _ in self.lists]

    def begin(self):
        """In the context of a call, before it runs."""
        if self.decimal is not None:
            sys.modules["decimal"].setcontext(self.decimal.copy())
        if self.policy is not None:
            self.policy._local = type(self.policy._local)()
            vars(self.policy._local).update(self.policy_local)

    def settings_now(self):
        return (
            sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile(), gc.isenabled(),
            gc.get_threshold(), socket.getdefaulttimeout(), faulthandler.is_enabled(), _digits_max())

    def is_clean(self):
        if self.changes.undo or self.changes.children:
            return False
        for get, holder, _, value in self.pins:
            if get(holder) != value:
                return False
        for value, content in self.lists:
            if value != content:
                return False
        for stream, members in self.streams:
            if len(vars(stream)) != len(members):
                return False
        if _start_method() is not self.start_method or not self.finalizers.issuperset(_finalizers()):
            return False
        return self.settings_now() == self.settings

    def put_back(self, say):
        """Makes all as it was. Returns whether that was possible: if not, the process is of no more use."""
        for _ in range(_TRIES):
            try:
                if self.is_clean():
                    return True
            except Exception:
                # A name is gone, or holds something that does not like to be compared.
                pass
            try:
                return self.restore(say)
            except Exception:
                continue
        return False

    def restore(self, say):
        # First what could break in.
        changes = self.changes
        timers = changes.undo.pop("timers", None)
        if timers:
            timers()
        self.restore_names()
        failed = []
        for what in reversed(list(changes.undo)):
            undo = changes.undo.pop(what)
            try:
                undo()
            except Exception:
                failed.append(" ".join(str(part) for part in what) if isinstance(what, tuple) else what)
        _finalize(self.finalizers)
        if changes.children:
            started, changes.children = changes.children, {}
            end_children(started, say)
        if failed:
            say("the process of this node ends with it, as nobody can put back what it has changed: %s" % ", ".join(failed))
        return not failed

    def restore_names(self):
        for _, holder, names, values in self.pins:
            for name, value in zip(names, values if len(names) > 1 else [values]):
                if getattr(holder, name, None) is not value:
                    setattr(holder, name, value)
        for value, content in self.lists:
            if value != content:
                value[:] = content
                if value is warnings.filters:
                    getattr(warnings, "_filters_mutated", lambda: None)()
        for stream, members in self.streams:
            vars(stream).clear()
            vars(stream).update(members)
        if _start_method() is not self.start_method:
            sys.modules["multiprocessing.context"]._default_context._actual_context = self.start_method
        limit, interval, trace, profile, collects, threshold, timeout, faults, digits = self.settings
        sys.setrecursionlimit(limit)
        sys.setswitchinterval(interval)
        sys.settrace(trace)
        sys.setprofile(profile)
        (gc.enable if collects else gc.disable)()
        gc.set_threshold(*threshold)
        socket.setdefaulttimeout(timeout)
        if faults and not faulthandler.is_enabled():
            faulthandler.enable(file=2)
        if digits is not None:
            sys.set_int_max_str_digits(digits)


def _start_method():
    context = sys.modules.get("multiprocessing.context")
    return context and context._default_context._actual_context


def _finalizers():
    """What multiprocessing does at the end of a process: it ends pools, which would start their processes anew."""
    util = sys.modules.get("multiprocessing.util")
    return util._finalizer_registry if util else ()


def _finalize(kept):
    due = [key for key in _finalizers() if key not in kept and key[0] is not None and key[0] >= 0]
    for key in sorted(due, reverse=True):
        finalizer = _finalizers().get(key)
        if finalizer is not None:
            finalizer()


def _digits_max():
    return None


if hasattr(sys, "get_int_max_str_digits"):
    _digits_max = sys.get_int_max_str_digits
