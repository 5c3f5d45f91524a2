"""The parts of a worker: one process that runs the Python nodes of a graph, call after call.

In reading order: `conversation` (the daemon's requests), `calls`, `targets` (which function a document names),
`sources` (where Python files are imported from), `updates` and
`values` (what a function's result changes, as JSON), `errors`, `replies` and `printers` (what goes back).

All of it is standard library, from Python 3.9 on. A package, so that no node's module has a name of its own here.
"""
