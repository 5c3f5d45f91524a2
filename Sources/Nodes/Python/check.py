"""Says of Python sources whether they compile; runs none of them.

On stdin one source after another, each behind a line with its kind (`bytes` of a file, `text` of a document) and its length in
bytes. On stdout a line of JSON for each: null, or {"message", "line", "column"}.
"""

import json
import sys
import warnings


def fault(kind, source):
    try:
        compile(source.decode() if kind == b"text" else source, "<code>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return {"message": error.msg, "line": error.lineno, "column": error.offset}
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        return {"message": str(error) or "it is nested too deeply", "line": None, "column": None}
    return None


def main():
    warnings.simplefilter("ignore")
    for head in sys.stdin.buffer:
        kind, length = head.split()
        print(json.dumps(fault(kind, sys.stdin.buffer.read(int(length)))), flush=True)


if __name__ == "__main__":
    main()
