"""Limits per client address and per token, counted by the address that a trusted proxy forwards."""

import pytest

from test_http_surface import assert_problem
from tokens import WRONG, bearer, create

TRUSTING = ("--set", "http.trusted_proxies=127.0.0.0/8,10.0.0.0/8")
# More than any burst of these tests, and few enough to be sent while next to nothing is refilled.
MANY = 60


def forwarded(address):
    return {"X-Forwarded-For": address}


def is_limited(daemon, headers, code="rate_limited", path="/healthz", **rest):
    """Whether so many requests are too many."""
    for _ in range(MANY):
        reply = daemon.http.get(path, headers=headers, **rest)
        if reply.status_code == 429:
            assert_problem(reply, 429, code)
            assert int(reply.headers["retry-after"]) >= 1
            return True
    return False


@pytest.fixture
def slow(new_daemon):
    """One request a second, four at once."""
    daemon = new_daemon()
    daemon.token = create(daemon, "read")
    return daemon.start(*TRUSTING, "--set", "http.requests_per_second_per_address=1", "--set", "auth.requests_per_second_per_token=0")


def test_a_client_behind_a_trusted_proxy_is_limited_and_others_are_not(slow):
    assert is_limited(slow, forwarded("203.0.113.7"))
    assert slow.http.get("/healthz", headers=forwarded("203.0.113.8")).status_code == 200
    # The same client with a good token, by another field, or as a proxy's proxy sees it.
    assert is_limited(slow, forwarded("203.0.113.7") | slow.token.headers, path="/api/graphs")
    assert is_limited(slow, {"Forwarded": "for=203.0.113.7"})
    assert is_limited(slow, forwarded("203.0.113.7, 10.0.0.1"))


def test_what_a_client_claims_itself_changes_nothing(slow):
    counter = iter(range(1, 250))

    def headers():
        return forwarded(f"198.51.100.{next(counter)}, 203.0.113.9")

    assert any(slow.http.get("/healthz", headers=headers()).status_code == 429 for _ in range(MANY))


def test_who_cannot_be_told_apart_shares_one_limit(slow):
    assert any(
        slow.http.get("/healthz", headers=forwarded("203.0.113.5") | {"Forwarded": f"for=198.51.100.{number}"}).status_code == 429
        for number in range(1, MANY)
    )
    assert slow.http.get("/healthz", headers=forwarded("203.0.113.5")).status_code == 200


def test_neighbours_of_ipv6_are_one_client(slow):
    assert any(slow.http.get("/healthz", headers=forwarded(f"2001:db8::{number:x}")).status_code == 429 for number in range(1, MANY))
    assert slow.http.get("/healthz", headers=forwarded("2001:db8:0:1::1")).status_code == 200


def test_the_proxy_itself_and_loopback_are_never_limited(slow):
    assert not is_limited(slow, {})
    assert not is_limited(slow, forwarded("127.0.0.1"))
    assert not is_limited(slow, slow.token.headers, path="/api/graphs")


def test_a_peer_that_nobody_trusts_counts_as_itself(new_daemon):
    daemon = new_daemon()
    create(daemon, "read")
    daemon.start("--set", "http.requests_per_second_per_address=1")
    assert not is_limited(daemon, forwarded("203.0.113.7"))


def test_a_token_is_limited_wherever_it_comes_from(new_daemon):
    daemon = new_daemon()
    token, other = create(daemon, "read"), create(daemon, "read")
    daemon.start(*TRUSTING, "--set", "auth.requests_per_second_per_token=1", "--set", "http.requests_per_second_per_address=0")
    addresses = iter(range(1, 250))
    replies = [daemon.http.get("/api/graphs", headers=token.headers | forwarded(f"203.0.113.{next(addresses)}")).status_code for _ in range(MANY)]
    assert replies[:4] == [200] * 4 and 429 in replies
    assert daemon.http.get("/api/graphs", headers=other.headers | forwarded("203.0.113.1")).status_code == 200
    assert not is_limited(daemon, token.headers, path="/api/graphs")


def test_wrong_tokens_are_limited_and_good_ones_served_all_the_same(new_daemon):
    daemon = new_daemon()
    token = create(daemon, "read")
    daemon.start(*TRUSTING, "--set", "auth.failures_per_minute_per_address=3", "--set", "http.requests_per_second_per_address=0")
    client = forwarded("203.0.113.7")
    statuses = [daemon.http.get("/api/graphs", headers=bearer(WRONG) | client).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert_problem(daemon.http.post("/api/session", json={"token": WRONG}, headers=client), 429, "too_many_failures")
    assert daemon.http.get("/api/graphs", headers=token.headers | client).status_code == 200
    assert daemon.http.post("/api/session", json={"token": token.secret}, headers=client).status_code == 200
    assert daemon.http.get("/api/graphs", headers=bearer(WRONG) | forwarded("203.0.113.8")).status_code == 401
    daemon.http.cookies.clear()
    assert not is_limited(daemon, bearer(WRONG), path="/api/graphs")


def test_the_address_in_the_log_is_the_clients(new_daemon, eventually):
    daemon = new_daemon()
    admin = create(daemon, "admin")
    daemon.start(*TRUSTING)
    daemon.http.delete("/api/graphs/none", headers=admin.headers | forwarded("203.0.113.7"))
    eventually(lambda: "address=203.0.113.7" in daemon.log)


def test_strangers_cannot_fill_the_log(new_daemon):
    daemon = new_daemon()
    create(daemon, "admin")
    daemon.start()
    for _ in range(100):
        daemon.http.get("/api/graphs", headers=bearer(WRONG))
        daemon.http.delete("/api/graphs/none")
    daemon.stop()
    assert 0 < daemon.log.count(" audit ") <= 70
