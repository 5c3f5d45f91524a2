"""No descriptor is left: whoever runs goes on, whoever comes is refused, and all is well again as soon as there are some."""

import re
import resource
import threading

from graphs import chain, delay, graph, process, put, python
from stream import Stream, is_whole, of_node
from wire import Closed, Wire

DESCRIPTORS = 70


def limit_descriptors(daemon, count=DESCRIPTORS):
    _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (count, hard))


class Reader(threading.Thread):
    """Reads a stream on a connection that is open already."""

    def __init__(self, daemon, execution_id):
        super().__init__()
        self.wire = Wire(daemon)
        self.wire.send(f"GET /api/executions/{execution_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.head = self.wire.read_head()
        self.start()

    def run(self):
        self.body = b"".join(self.wire.read_body(self.head))
        self.wire.socket.close()


def take_all_descriptors(daemon):
    """Connections until the daemon has none for another; gives those that were accepted."""
    taken = []
    while len(taken) < 2 * DESCRIPTORS:
        wire = Wire(daemon)
        try:
            if wire.request("GET", "/healthz").status == 200:
                taken.append(wire)
                continue
        except (Closed, ConnectionResetError, BrokenPipeError):
            pass
        wire.socket.close()
        return taken
    raise AssertionError("it never ran out")


def test_streams_that_run_are_untouched_while_nobody_else_gets_in(start_daemon, eventually):
    daemon = start_daemon()
    steps = [each for number in range(40) for each in (delay(f"d{number}", 50), put(f"n{number}", **{f"k{number}": number}))]
    execution_id = daemon.begin(daemon.create(chain(*steps)))
    readers = [Reader(daemon, execution_id) for _ in range(5)]
    limit_descriptors(daemon)
    taken = take_all_descriptors(daemon)
    for reader in readers:
        reader.join()
    streams = [Stream(reader.body) for reader in readers]
    assert all(is_whole(stream.events) and stream.blocks == streams[0].blocks for stream in streams)
    assert streams[0].events[-1]["status"] == "success"
    for wire in taken:
        wire.socket.close()
    daemon._forget_client()
    eventually(lambda: daemon.http.get("/readyz").status_code == 200)
    assert daemon.execute(daemon.create(graph([put("a", x=1)])))["status"] == "success"


def test_programs_that_cannot_be_started_are_clear_errors_and_later_ones_run(start_daemon, eventually):
    daemon = start_daemon()
    nodes = [process("a", "echo", "a"), python("b", "return {'b': 1}"), put("c", x=1)]
    graph_id = daemon.create(graph(nodes))
    limit_descriptors(daemon)
    taken = take_all_descriptors(daemon)
    # Over a connection that is there already.
    response = taken[0].request("POST", f"/api/graphs/{graph_id}/execute")
    assert response.status == 200
    for wire in taken:
        wire.socket.close()
    daemon._forget_client()
    eventually(lambda: daemon.http.get("/readyz").status_code == 200)
    events = daemon.all_events(daemon.http.get("/api/executions").json()["items"][0]["execution_id"])
    assert is_whole(events) and of_node(events, "c", "node_complete")[0]["status"] == "success"
    for id in ("a", "b"):
        end = of_node(events, id, "node_complete")[-1]
        assert end["status"] == "success" or re.search("could not be started|cannot be laid out", end["error"]), end
    assert daemon.execute(graph_id)["status"] == "success"
