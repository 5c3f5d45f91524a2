"""Tickets: stream addresses that need no header, for EventSource and for pages of other origins."""

import re

import pytest

from graphs import chain, never_ends, put
from stream import Stream
from test_http_surface import assert_problem
from tokens import create
from wire import Closed, Wire, request

PAGE = "https://dashboard.example"


@pytest.fixture
def sealed(start_daemon):
    """A daemon with a token that may read and one that may run."""
    daemon = start_daemon(environment={"MILLRACE_STREAM_KEEP_ALIVE_MS": "100"})
    daemon.story = daemon.create(chain(put("a", x=1), put("b", y=2)))
    daemon.told = daemon.execute(daemon.story)["execution_id"]
    daemon.endless = daemon.begin(daemon.create(chain(put("a"), never_ends())))
    daemon.reader, daemon.runner = create(daemon, "read"), create(daemon, "run")
    return daemon


def ticket(daemon, execution_id, token=None, query=""):
    headers = (token or daemon.reader).headers
    reply = daemon.http.post(f"/api/executions/{execution_id}/ticket{query}", headers=headers)
    assert reply.status_code == 201, reply.text
    assert reply.headers["cache-control"] == "no-store"
    return reply.json()["url"]


def get(daemon, url, **headers):
    return daemon.http.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Watcher:
    """A stream that is open."""

    def __init__(self, daemon, url, **headers):
        self.wire = Wire(daemon)
        self.wire.send(request("GET", url, {name.replace("_", "-"): value for name, value in headers.items()}))
        self.head = self.wire.read_head()
        self.pieces = self.wire.read_body(self.head) if self.head.status == 200 else iter(())
        self.body = b""

    def until(self, mark):
        while mark not in self.body:
            self.body += next(self.pieces)
        return self

    def rest(self):
        return self.body + b"".join(self.pieces)

    def close(self):
        self.wire.socket.close()


def test_a_ticket_opens_the_stream_and_nothing_else(sealed):
    url = ticket(sealed, sealed.told)
    assert re.fullmatch(rf"/api/executions/{sealed.told}/events\?ticket=[0-9A-Za-z]+", url)
    assert Stream(get(sealed, url).content).events == get(
        sealed, f"/api/executions/{sealed.told}/events", Accept="application/json", Authorization=f"Bearer {sealed.reader.secret}"
    ).json()
    text = url.split("?")[1]
    for path in ("/api/graphs", f"/api/executions/{sealed.told}", f"/api/executions/{sealed.told}/profile", "/api/events"):
        assert get(sealed, f"{path}?{text}").status_code == 401
    assert get(sealed, f"/api/executions/{sealed.endless}/events?{text}").status_code == 401
    assert_problem(sealed.http.post(f"/api/executions/{sealed.told}/events?{text}"), 401, "token_required")
    assert get(sealed, url, Accept="application/json").status_code == 406


def test_its_state_is_the_wish_of_whoever_made_it(sealed):
    url = ticket(sealed, sealed.told, query="?state=none")
    assert not any("output_state" in event or "update" in event for event in Stream(get(sealed, url).content).events)
    reply = sealed.http.post(f"/api/executions/{sealed.told}/ticket?state=some", headers=sealed.reader.headers)
    assert_problem(reply, 400, "invalid_parameter")


def test_who_may_not_look_gets_none(sealed):
    path = f"/api/executions/{sealed.told}/ticket"
    assert_problem(sealed.http.post(path), 401, "token_required")
    other = create(sealed, "run", "--graph", "other")
    assert_problem(sealed.http.post(path, headers=other.headers), 404, "unknown_execution")
    unknown = "/api/executions/0198c2f0-5f3a-7b51-8a6e-3f0a1c2d4e5f/ticket"
    assert_problem(sealed.http.post(unknown, headers=sealed.reader.headers), 404, "unknown_execution")


def test_any_page_may_open_it_and_reads_the_answer(sealed):
    url = ticket(sealed, sealed.told)
    for _ in range(2):
        reply = get(sealed, url, Origin=PAGE, Sec_Fetch_Site="cross-site")
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, PAGE)
        assert "Origin" in reply.headers["vary"]
    last = str(Stream(reply.content).events[-1]["seq"])
    ended = get(sealed, url, Origin=PAGE, Last_Event_ID=last)
    assert (ended.status_code, ended.headers["access-control-allow-origin"]) == (204, PAGE)


def test_the_page_that_opens_it_first_keeps_it(sealed):
    bound = ticket(sealed, sealed.told)
    assert get(sealed, bound, Origin=PAGE).status_code == 200
    for other in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}, {"Origin": sealed.url}):
        assert_problem(get(sealed, bound, **other), 401, "invalid_ticket")
    assert get(sealed, bound, Origin=PAGE).status_code == 200
    unbound = ticket(sealed, sealed.told)
    assert get(sealed, unbound).status_code == 200
    assert_problem(get(sealed, unbound, Origin=PAGE), 401, "invalid_ticket")


def test_a_page_that_asks_first_is_told_that_it_may_and_binds_nothing(sealed):
    url = ticket(sealed, sealed.told)
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "last-event-id"}
    reply = sealed.http.options(url, headers={"Origin": PAGE} | asks)
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, PAGE)
    assert sealed.http.head(url, headers={"Origin": PAGE}).status_code == 200
    assert get(sealed, url, Origin="https://other.example").status_code == 200


def test_a_newer_connection_ends_the_older_between_events(sealed):
    url = ticket(sealed, sealed.endless)
    older = Watcher(sealed, url, Origin=PAGE).until(b'"type":"node_start"')
    newer = Watcher(sealed, url, Origin=PAGE).until(b": keep-alive\n\n")
    ended = older.rest()
    assert ended.endswith(b"\n\n") and older.wire.is_closed_by_server()
    # The one that was ended has not ended the ticket of the other.
    sealed.http.post(f"/api/executions/{sealed.endless}/cancel", headers=sealed.runner.headers)
    assert b'"type":"complete"' in newer.rest()


def test_tickets_of_one_token_do_not_disturb_each_other(sealed):
    watchers = [Watcher(sealed, ticket(sealed, sealed.endless)).until(b'"seq":2,') for _ in range(3)]
    for watcher in watchers:
        watcher.body = b""
        watcher.until(b": keep-alive\n\n")
        watcher.close()


def test_it_ends_with_its_token(sealed):
    open_url, idle_url = ticket(sealed, sealed.endless), ticket(sealed, sealed.endless)
    watcher = Watcher(sealed, open_url).until(b'"seq":2,')
    admin = create(sealed, "admin")
    assert sealed.http.delete(f"/api/tokens/{sealed.reader.id}", headers=admin.headers).status_code == 204
    with pytest.raises(Closed):
        watcher.rest()
    for url in (open_url, idle_url):
        assert_problem(get(sealed, url), 401, "invalid_ticket")


def test_where_there_are_no_tokens_it_opens_the_api_to_the_page_alone(daemon):
    execution_id = daemon.execute(daemon.create(chain(put("a"))))["execution_id"]
    url = daemon.http.post(f"/api/executions/{execution_id}/ticket").json()["url"]
    plain = url.split("?")[0]
    assert_problem(daemon.http.get(plain, headers={"Origin": PAGE}), 403, "foreign_origin")
    assert daemon.http.get(url, headers={"Origin": PAGE}).headers["access-control-allow-origin"] == PAGE
    assert_problem(daemon.http.post(f"{plain.removesuffix('/events')}/ticket", headers={"Origin": PAGE}), 403, "foreign_origin")


@pytest.mark.parametrize("text", ["", "x", "0" * 43, "0" * 44])
def test_a_wrong_ticket_is_refused(sealed, text):
    reply = get(sealed, f"/api/executions/{sealed.told}/events?ticket={text}", Origin=PAGE)
    assert_problem(reply, 401, "invalid_ticket")


def test_no_log_has_it(sealed):
    url = ticket(sealed, sealed.told)
    get(sealed, url)
    get(sealed, url + "x")
    get(sealed, url, Origin="https://other.example")
    assert url.split("ticket=")[1] not in sealed.log


@pytest.mark.parametrize("path", ["/api/events", "/api/executions/0198c2f0-5f3a-7b51-8a6e-3f0a1c2d4e5f/events"])
def test_event_sources_without_a_token_learn_both_ways_in(sealed, path):
    words = get(sealed, path, Accept="text/event-stream").json()["detail"]
    assert "fetch" in words and "/ticket" in words
    assert "/ticket" not in get(sealed, path).json()["detail"]
