"""sys.stdin, sys.stdout and sys.stderr have what libraries ask of them."""

import pytest


def printed(worker, body):
    end, before = worker.end(worker.call({"code": "import sys\ndef execute(state):\n    " + body.replace("\n", "\n    ")}))
    assert "update" in end, end
    return [(output["output"], output["data"]) for output in before]


@pytest.mark.parametrize("name", ["stdout", "stderr", "__stdout__", "__stderr__"])
def test_the_streams_are_asked_as_libraries_do(worker, name):
    body = """
stream = sys.%s
stream.reconfigure(line_buffering=True, encoding="utf-8", errors="replace")
assert (stream.encoding, stream.errors, stream.newlines, stream.closed) == ("utf-8", "replace", None, False)
assert stream.isatty() is False and stream.writable() and not stream.readable() and not stream.seekable()
assert stream.line_buffering in (True, False) and stream.write_through in (True, False) and stream.mode == "w"
assert stream.fileno() in (1, 2) and stream.buffer.fileno() == stream.fileno() and stream.name
stream.writelines(["a", "b\\n"])
stream.buffer.writelines([b"c", b"d\\n"])
stream.buffer.flush()
stream.flush()
stream.close()
with stream: print("e", file=stream)
print("f", file=stream)
assert stream.closed is False
for holder in (stream, stream.buffer):
    try: holder.detach()
    except __import__("io").UnsupportedOperation as error: assert "cannot be detached" in str(error)
    else: raise AssertionError("detached")
""" % name
    channel = name.strip("_")
    assert printed(worker, body) == [(channel, text) for text in ("ab", "cd", "e", "f")]


def test_a_character_may_come_in_pieces(worker):
    assert printed(worker, """
for piece in (b"\\xe2", b"\\x82\\xac", b"\\xf0\\x9f", b"\\x98\\x80\\n"):
    sys.stdout.buffer.write(piece)
""") == [("stdout", "\u20ac\U0001f600")]


def test_half_a_character_is_not_the_next_calls(worker):
    assert printed(worker, "sys.stdout.buffer.write(b'\\xe2')") == [("stdout", "\ufffd")]
    assert printed(worker, "sys.stdout.buffer.write(b'\\x82\\xac')") == [("stdout", "\ufffd\ufffd")]


def test_what_is_written_has_its_type(worker):
    assert printed(worker, """
for stream, value in ((sys.stdout, b"a"), (sys.stdout.buffer, "a")):
    try: stream.write(value)
    except TypeError: print("refused")
""") == [("stdout", "refused")] * 2


def test_stdin_is_at_its_end_also_where_it_was_closed(worker):
    for _ in range(2):
        end, _ = worker.end(worker.call({"code": "import sys\ndef execute(state): exit(0)"}))
        assert end["error"]["message"] == "SystemExit: 0"
        assert printed(worker, """
assert sys.stdin.read() == "" and sys.stdin.buffer.read() == b"" and sys.stdin.fileno() == 0 and not sys.stdin.isatty()
assert sys.stdin.encoding and list(sys.stdin) == [] and sys.__stdin__ is sys.stdin and sys.stdin.readable()
try: input("name? ")
except EOFError: print("at its end")
sys.stdin.buffer.close()
sys.stdin.close()
""") == [("stdout", "name? "), ("stdout", "at its end")]
