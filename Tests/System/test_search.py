"""Finding executions: by labels, and by a text in what people know them by."""

import pytest

from graphs import chain, delay, fails, graph, put
from test_http_surface import assert_problem


def found(daemon, **query):
    """All pages of a list; one that is not full leads on all the same."""
    ids, cursor = [], None
    while True:
        reply = daemon.http.get("/api/executions", params=query | ({"cursor": cursor} if cursor else {}))
        assert reply.status_code == 200, reply.text
        page = reply.json()
        ids += [item["execution_id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            return ids


@pytest.fixture
def labelled(start_daemon):
    daemon = start_daemon()
    daemon.graph = daemon.create(chain(put("a"), name="Nightly Import"))

    def start(labels, graph_id=daemon.graph):
        reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", json={"labels": labels})
        assert reply.status_code == 200, reply.text
        return reply.json()["execution_id"]

    daemon.labelled = start
    return daemon


def test_labels_are_kept_and_found(labelled, new_daemon):
    one, two, three = labelled.labelled({"env": "prod", "team/owner": "Ops"}), labelled.labelled({"env": "test"}), labelled.labelled({})
    assert labelled.summary(one)["labels"] == {"env": "prod", "team/owner": "Ops"}
    assert "labels" not in labelled.summary(three)
    for _ in range(2):
        assert found(labelled, **{"label.env": "prod"}) == [one]
        assert found(labelled, **{"label.env": "test", "graph_id": labelled.graph}) == [two]
        assert found(labelled, **{"label.env": "prod", "label.team/owner": "Ops", "status": "success,error"}) == [one]
        for none in ({"label.env": "pro"}, {"label.env": "prod", "label.team/owner": "Dev"}, {"label.none": "x"}, {"label.env": "prod", "status": "error"}):
            assert found(labelled, **none) == []
        assert found(labelled, **{"label.env": ""}) == [three, two, one]
        labelled.stop()
        labelled.start()


def test_a_stream_and_an_asynchronous_start_take_labels_too(labelled):
    for path, headers in (("execute/stream", {}), ("execute", {"Prefer": "respond-async"})):
        reply = labelled.http.post(f"/api/graphs/{labelled.graph}/{path}", json={"labels": {"by": path}}, headers=headers)
        assert reply.status_code in (200, 202)
        assert len(found(labelled, **{"label.by": path})) == 1


@pytest.mark.parametrize("labels, pointer", [
    ([], "/labels"), ("x", "/labels"), ({"a": 1}, "/labels/a"), ({"a": None}, "/labels/a"), ({"": "x"}, "/labels/"), ({".a": "x"}, "/labels/.a"),
    ({"a b": "x"}, "/labels/a b"), ({"a": "x" * 257}, "/labels/a"), ({"a" * 64: "x"}, "/labels/" + "a" * 64), ({f"a{n}": "" for n in range(33)}, "/labels"),
])
def test_labels_that_are_none_are_refused(daemon, labels, pointer):
    graph_id = daemon.create(chain(put("a")))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", json={"labels": labels})
    assert_problem(reply, 422, "invalid_request")
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]
    assert found(daemon, graph_id=graph_id) == []


def test_labels_at_their_limits_are_taken(labelled):
    labels = {f"a{n}": "x" * 256 for n in range(31)} | {"a" * 63: ""}
    assert labelled.summary(labelled.labelled(labels))["labels"] == labels


def test_a_text_is_found_in_ids_names_labels_and_errors(labelled):
    plain = labelled.labelled({"Customer": "Müller & Söhne"})
    broken = labelled.execute(labelled.create(chain(put("a"), fails("deliver-parcel", "the Carrier is on strike"))))["execution_id"]
    late = labelled.execute(labelled.create(graph([delay("a", 600_000)], limits={"timeout_ms": 50})))["execution_id"]
    for text, expected in [
        (plain, [plain]), (plain[:13], None), (plain[-6:], [plain]), ("nightly import", [plain]), ("NIGHT", [plain]), ("müller", [plain]),
        ("customer", [plain]), ("deliver-parcel", [broken]), ("carrier is ON strike", [broken]), ("timeout_ms", [late]), ("nowhere", []), (labelled.graph, [plain]),
    ]:
        hits = found(labelled, q=text)
        assert plain in hits if expected is None else hits == expected, text
    assert found(labelled, q="") == [late, broken, plain]
    assert found(labelled, q="deliver", status="error") == [broken] and found(labelled, q="deliver", status="success") == []


def test_pages_of_a_search_give_each_once(labelled):
    wanted = []
    for number in range(40):
        execution_id = labelled.labelled({"kind": "odd" if number % 2 else "even", "n": str(number)})
        wanted += [execution_id] if number % 2 else []
    assert found(labelled, limit=3, **{"label.kind": "odd"}) == wanted[::-1]
    assert found(labelled, limit=20, q="odd") == wanted[::-1]


def test_a_restricted_token_finds_its_own_alone(guarded):
    for query, expected in (({"q": guarded.mine_run[-6:]}, 1), ({"q": guarded.other_run[-6:]}, 0)):
        reply = guarded.http.get("/api/executions", params=query, headers=guarded.mine_only.headers)
        assert len(reply.json()["items"]) == expected
