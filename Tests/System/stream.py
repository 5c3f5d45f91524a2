"""Event streams, read strictly: whatever the server should not send is an error here."""

import json
import re

RETRY = re.compile(rb"retry: [1-9][0-9]*")
EVENT = re.compile(rb"id: (?P<id>[1-9][0-9]*)\ndata: (?P<data>\{[^\n\r]*\})")
KEEP_ALIVE = b": keep-alive"

TERMINAL = ("complete", "error")


class Malformed(Exception):
    """Bytes that no event stream of this server should have."""


class Stream:
    """A stream that was read to its end."""

    def __init__(self, body):
        self.body = body
        if b"\r" in body:
            raise Malformed("a carriage return")
        if not body.endswith(b"\n\n"):
            raise Malformed(f"it ends inside a block: {body[-80:]!r}")
        self.opening, *blocks = body[:-2].split(b"\n\n")
        if not RETRY.fullmatch(self.opening):
            raise Malformed(f"the first block is {self.opening!r}")
        # What all readers must get alike, byte by byte: the blocks without the opening and without comments.
        self.blocks = [block for block in blocks if block != KEEP_ALIVE]
        self.keep_alives = len(blocks) - len(self.blocks)
        # A daemon that stops ends its streams with a word about when to come back.
        self.is_cut_off = bool(self.blocks) and bool(RETRY.fullmatch(self.blocks[-1]))
        if self.is_cut_off:
            self.blocks.pop()
        self.events = [event_of(block) for block in self.blocks]

    @property
    def seqs(self):
        return [event["seq"] for event in self.events]


def event_of(block):
    match = EVENT.fullmatch(block)
    if not match:
        raise Malformed(f"no block of an event: {block[:200]!r}")
    event = json.loads(match["data"])
    if event["seq"] != int(match["id"]):
        raise Malformed(f"id {match['id']} with seq {event['seq']}")
    return event


class Blocks:
    """Cuts a stream into blocks while it arrives."""

    def __init__(self):
        self._rest = b""

    def feed(self, data):
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        return blocks

    @property
    def is_between_blocks(self):
        return not self._rest


def is_whole(events):
    """Whether these are all the events of an execution: numbered without gap, and one end."""
    seqs = [event["seq"] for event in events]
    ends = [event for event in events if event["type"] in TERMINAL]
    return (
        seqs == list(range(1, len(events) + 1))
        and events[0]["type"] == "start"
        and len(ends) == 1
        and events[-1] is ends[0]
    )


def of_node(events, node_id, type=None):
    """The events of a node, of one type if it is named."""
    return [event for event in events if event.get("node_id") == node_id and type in (None, event["type"])]


def outline(events):
    """The events in short: `a>` for the start of node a, `a:success` for its end."""
    words = []
    for event in events:
        match event["type"]:
            case "node_start":
                words.append(f"{event['node_id']}>")
            case "node_complete":
                words.append(f"{event['node_id']}:{event['status']}")
            case "node_output":
                words.append(f"{event['node_id']}!")
            case other:
                words.append(other)
    return words
