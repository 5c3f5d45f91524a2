"""Says which graph a Python file makes.

    look.py FILE [NAME [FOLDER [PROJECT [-]]]]

Runs the file, with its folder first on `sys.path`. FOLDER is the working directory and last on `sys.path`, and paths in the
answer begin there; without one it is the file's own. PROJECT is JSON, what a `langgraph.json` says of
its graphs: {"env", "dependencies"}. With a `-` the file's text comes on stdin, and need not be on disk. On stdout comes a JSON object: {"document", "name", "imports", "notes",
"drawing"?} of the graph, {"imports"} where the file makes none, or {"error": {"message", "line", "details"?}, "imports"}.
What the file itself prints goes to stderr.
"""

import json
import os
import sys


def main():
    path = os.path.abspath(sys.argv[1])
    name = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] else None
    project = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    code = sys.stdin.buffer.read() if sys.argv[5:] == ["-"] else None
    own = os.path.dirname(path)
    folder = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else own
    here = os.path.dirname(os.path.abspath(__file__))
    from millrace_graphs.faults import GraphFault
    from millrace_graphs.looking import imports_of, look
    from millrace_worker.errors import NodeError, error_bytes
    from millrace_worker.projects import apply

    answers = os.dup(1)
    os.dup2(2, 1)
    os.chdir(folder)
    sys.argv = [path]
    sys.path[:] = (
        [own] + [entry for entry in sys.path if os.path.abspath(entry or ".") != here] + [folder] * (folder != own))
    try:
        apply(project, folder)
        answer = look(path, name, folder, code, project)
    except NodeError as error:
        answer = {"error": {"message": str(error), "line": None}}
    except GraphFault as fault:
        answer = {"error": {"message": str(fault), "line": fault.line}}
    except SyntaxError as error:
        answer = {"error": {"message": "does not compile: %s" % error.msg, "line": error.lineno}}
    except BaseException as error:
        said = json.loads(error_bytes(error))
        answer = {"error": {**said, "line": _line(error, path)}}
    answer["imports"] = imports_of(path, folder)
    with os.fdopen(answers, "w", encoding="utf-8", errors="replace") as file:
        file.write(json.dumps(answer) + "\n")


def _line(error, path):
    """Where in the file it came to that."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


if __name__ == "__main__":
    main()
