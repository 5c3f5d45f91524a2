"""Runs the Python nodes of one graph revision, call after call, for the daemon.

    worker.py FILES_FOLDER GRAPH_FOLDER

What is said on stdin and stdout stands in millrace-worker(7).
"""

import faulthandler
import os
import sys

import millrace
from millrace_worker import threads
from millrace_worker.conversation import Worker
from millrace_worker.printers import EmptyInput, Printer


def main():
    files, graph = sys.argv[1:3]
    sys.argv = [""]
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    faulthandler.enable(file=2)
    here = os.path.dirname(os.path.abspath(__file__))
    # This folder stays, as the last, for the processes that multiprocessing spawns.
    sys.path[:] = [files] + [path for path in sys.path if path != here] + ([graph] if graph else []) + [here]
    threads.install()
    worker = Worker(files, requests, replies)
    millrace._sink = worker.replies.output
    millrace._key = worker.replies.idempotency_key
    millrace._trace = worker.replies.traceparent
    sys.stdin = sys.__stdin__ = EmptyInput(0)
    sys.stdout = sys.__stdout__ = Printer(worker.replies, "stdout", 1)
    sys.stderr = sys.__stderr__ = Printer(worker.replies, "stderr", 2)
    worker.run()


if __name__ == "__main__":
    main()
