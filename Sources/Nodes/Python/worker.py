"""Runs the Python nodes of one graph revision, call after call, for the daemon.

    worker.py FOLDER

FOLDER is the worker's own; what lies in it says millrace_worker/sources.py. What is said on stdin and stdout stands in
millrace-worker(7).
"""

import sys

# Before anything else is imported: what every Python has loaded when it begins with a file.
PLAIN = frozenset(sys.modules)


def main():
    import faulthandler
    import os

    import millrace
    from millrace_worker import pools, sources, threads
    from millrace_worker.conversation import Worker
    from millrace_worker.printers import EmptyInput, Printer

    place = sys.argv[1]
    sys.argv = [""]
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    faulthandler.enable(file=2)
    threads.install()
    files = sources.Sources(place)
    worker = Worker(files, requests, replies)
    files.tell = worker.replies.imported
    millrace._sink = worker.replies.output
    millrace._key = worker.replies.idempotency_key
    millrace._trace = worker.replies.traceparent
    sys.stdin = sys.__stdin__ = EmptyInput(0)
    sys.stdout = sys.__stdout__ = Printer(worker.replies, "stdout", 1)
    sys.stderr = sys.__stderr__ = Printer(worker.replies, "stderr", 2)
    here = os.path.dirname(os.path.abspath(__file__))
    files.install([path for path in sys.path if path != here], PLAIN)
    pools.install()
    worker.process.install()
    worker.run()


def adopt():
    # What is needed here is Python's own, though the graph's folder, which comes first, has a file of the same name.
    path = list(sys.path)
    sys.path[:] = path[1:]
    from millrace_worker import sources

    sys.path[:] = path
    sources.adopt(PLAIN)


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":
    # In a process that multiprocessing has spawned.
    adopt()
