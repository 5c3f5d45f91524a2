"""Compares the request parser with h11 on the corpus and on thousands of mutations of it.

The parser may refuse what h11 takes, for the reasons named below. It must never take what h11 refuses, and what both take
must be the same request.

Run it with h11 and pytest installed: pytest Tests/Differential/test_h11_differential.py
With MILLRACE_DIFFERENTIAL_OUT set, an existing file of verdicts is compared; else one is made by `swift test`.
"""

import base64
import copy
import dataclasses
import json
import os
import pathlib
import subprocess

import h11
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Why the parser refuses what h11 takes: the fault's code, and the reason.
STRICTER = {
    "bare_line_feed": "h11 ends lines at a bare LF too; a proxy in front may not",
    "bare_carriage_return": "h11 takes a CR inside a chunk extension",
    "obsolete_line_folding": "h11 unfolds folded fields; RFC 9112, 5.2 lets a server refuse them",
    "invalid_field_value": "h11 takes control characters other than NUL, CR and LF in values",
    "repeated_content_length": "h11 takes repetitions that agree",
    "invalid_content_length": "h11 takes lists whose members agree",
    "invalid_host": "h11 does not look into Host",
    "invalid_target": "h11 takes all visible ASCII as a target",
    "fragment_in_target": "h11 takes all visible ASCII as a target",
    "asterisk_refused": "h11 takes all visible ASCII as a target",
    "invalid_percent_encoding": "h11 does not decode targets",
    "nul_in_target": "h11 does not decode targets",
    "invalid_target_text": "h11 does not decode targets",
    "dot_segment": "h11 does not decode targets",
    "host_mismatch": "h11 does not compare an absolute target with Host",
    "connect_refused": "h11 can serve proxies",
    "unsupported_version": "h11 takes every version of two digits",
    "unknown_expectation": "h11 leaves other expectations to its caller",
    "transfer_encoding_in_http_1_0": "h11 decodes chunks in HTTP/1.0 too",
    "both_lengths": "h11 lets Transfer-Encoding win, as RFC 9112, 6.3 allows",
    "invalid_chunk_size": "h11 takes spaces behind a size, and up to 20 digits",
    "invalid_chunk_extension": "h11 takes all bytes in an extension",
}

# Where the parser is more lenient, as RFC 9112 asks: an empty line in front of a request is skipped (2.2), and HTTP/1.0 may be
# kept alive (9.3), which h11 never does. The reading below makes up for both.
EMPTY_LINE = b"\r\n"


@dataclasses.dataclass
class Reading:
    """What a parser made of one connection's bytes: requests, then "waiting", "closed", or why it stopped."""

    requests: list
    end: str

    @property
    def is_fault(self):
        return self.end not in ("waiting", "closed")


def read_with_h11(data):
    reading = Reading([], "waiting")
    while data and reading.end == "waiting":
        data = read_request_with_h11(data.removeprefix(EMPTY_LINE), reading)
    return reading


def read_request_with_h11(data, reading):
    """Adds one request to reading, or its end, and returns what stands behind it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    if data:  # No data would mean the end of the connection.
        connection.receive_data(data)
    try:
        head, body = connection.next_event(), b""
        while head is not h11.NEED_DATA:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                break
            if isinstance(event, h11.EndOfMessage):
                reading.requests.append(request_of(head, body))
                if not keeps_alive(head, connection):
                    reading.end = "closed"
                return connection.trailing_data[0]
            body += event.data
    except h11.RemoteProtocolError as error:
        reading.end = str(error)
    return b""


def request_of(head, body):
    return {
        "method": head.method.decode("ascii"),
        "target": head.target.decode("ascii"),
        "headers": normalized((bytes(name), bytes(value)) for name, value in head.headers.raw_items()),
        "body": bytes(body),
    }


def normalized(fields):
    """h11 turns the value of Transfer-Encoding to lower case."""
    return [(name, value.lower() if name.lower() == b"transfer-encoding" else value) for name, value in fields]


def keeps_alive(head, connection):
    options = [
        option.strip().lower()
        for name, value in head.headers
        if name == b"connection"
        for option in value.split(b",")
    ]
    if head.http_version == b"1.0":
        return b"keep-alive" in options and b"close" not in options
    # 404 rather than 200, which would make a tunnel of CONNECT.
    connection.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    return connection.our_state is h11.DONE


def our_reading(verdict):
    requests = [
        {
            "method": request["method"],
            "target": request["target"],
            "headers": normalized(tuple(base64.b64decode(part) for part in field) for field in request["headers"]),
            "body": base64.b64decode(request["body"]),
        }
        for request in verdict["requests"]
    ]
    return Reading(requests, verdict["end"])


def difference(data, ours):
    """Says how our reading of data is wrong, measured by h11's; None if it is not."""
    theirs = read_with_h11(data)
    for index, request in enumerate(ours.requests):
        if index >= len(theirs.requests):
            return f"took request {index}, h11 did not: {theirs.end}"
        if request != theirs.requests[index]:
            return f"request {index} differs: {request} and {theirs.requests[index]}"
    if len(theirs.requests) == len(ours.requests):
        if ours.end != "closed" and theirs.end == "closed":
            return "keeps a connection that h11 closes"
        return None
    # h11 took one more.
    if not ours.is_fault:
        return f"is {ours.end} where h11 takes a request: {theirs.requests[len(ours.requests)]}"
    if ours.end not in STRICTER:
        return f"refuses as {ours.end} what h11 takes, for no named reason: {theirs.requests[len(ours.requests)]}"
    return None


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory):
    path = os.environ.get("MILLRACE_DIFFERENTIAL_OUT")
    if path is None or not os.path.exists(path):
        path = path or str(tmp_path_factory.mktemp("differential") / "verdicts.jsonl")
        subprocess.run(
            ["swift", "test", "--filter", "HTTPTests.DifferentialTests"],
            cwd=ROOT,
            env=os.environ | {"MILLRACE_DIFFERENTIAL_OUT": path},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    parsed = map(json.loads, pathlib.Path(path).read_text().splitlines())
    return [(verdict["name"], base64.b64decode(verdict["input"]), verdict) for verdict in parsed]


def test_never_more_lenient_than_h11_and_never_different(verdicts):
    wrong = []
    for name, data, verdict in verdicts:
        reason = difference(data, our_reading(verdict))
        if reason:
            wrong.append(f"{name}: {reason}\n    {data!r}")
    assert not wrong, f"{len(wrong)} of {len(verdicts)}:\n" + "\n".join(wrong[:20])


def test_enough_of_both_kinds_was_compared(verdicts):
    """Mutations that are all refused would compare nothing."""
    readings = [our_reading(verdict) for _, _, verdict in verdicts]
    assert len(readings) >= 3000
    assert sum(1 for reading in readings if reading.requests) >= 500
    assert sum(1 for reading in readings if reading.is_fault) >= 500


def test_every_reason_for_being_stricter_is_needed(verdicts):
    used = set()
    for _, data, verdict in verdicts:
        ours = our_reading(verdict)
        if ours.is_fault and len(read_with_h11(data).requests) > len(ours.requests):
            used.add(ours.end)
    assert set(STRICTER) - used == set()


def taken(verdicts):
    """A case that both take, and one that both refuse."""
    accepted = refused = None
    for _, data, verdict in verdicts:
        ours, theirs = our_reading(verdict), read_with_h11(data)
        if ours.requests and ours.requests[-1]["body"] and len(theirs.requests) == len(ours.requests):
            accepted = accepted or (data, ours)
        if ours.is_fault and theirs.is_fault and not ours.requests and not theirs.requests:
            refused = refused or (data, ours)
    return accepted, refused


@pytest.mark.parametrize("part", ["method", "target", "headers", "body"])
def test_a_wrong_part_of_a_request_is_found(verdicts, part):
    data, ours = taken(verdicts)[0]
    wrong = copy.deepcopy(ours)
    wrong.requests[-1][part] = wrong.requests[-1][part][:-1]
    assert difference(data, ours) is None
    assert "differs" in difference(data, wrong)


def test_a_refused_request_that_is_taken_is_found(verdicts):
    data, ours = taken(verdicts)[1]
    request = {"method": "GET", "target": "/", "headers": [], "body": b""}
    assert difference(data, ours) is None
    assert "h11 did not" in difference(data, Reading([request], "waiting"))


def test_a_refusal_without_a_named_reason_is_found(verdicts):
    data, ours = taken(verdicts)[0]
    assert "no named reason" in difference(data, Reading(ours.requests[:-1], "missing_host"))


def test_a_request_that_is_not_found_is_found(verdicts):
    data, ours = taken(verdicts)[0]
    assert "where h11 takes" in difference(data, Reading(ours.requests[:-1], "waiting"))
