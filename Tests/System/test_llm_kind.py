"""Nodes that ask language models, played by a server that speaks OpenAI's protocol."""

import json

import pytest

from far_model import Model
from graphs import chain, node, put
from stream import is_whole, of_node

KEY = "sk-very-secret-0123456789"
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


@pytest.fixture(scope="module")
def model():
    model = Model()
    yield model
    model.far.stop()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, model):
    from daemon import Daemon

    folder = tmp_path_factory.mktemp("llm")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "KEY").write_text(KEY + "\n")
    (folder / "secrets" / "KEY").chmod(0o600)
    (folder / "secrets" / "OPEN").write_text(KEY)
    (folder / "secrets" / "OPEN").chmod(0o644)
    url = model.far.url + "/v1"
    (folder / "millrace.yaml").write_text(f"""
secrets: {{ folder: {folder}/secrets }}
llm:
  providers:
    far: {{ base_url: "{url}", secret: KEY }}
    plain: {{ base_url: "{url}/" }}
    open: {{ base_url: "{url}", secret: OPEN }}
    nobody: {{ base_url: "http://127.0.0.1:1" }}
    taped: {{ base_url: "{url}", replay: {folder}/tape.ndjson }}
    tape: {{ replay: {folder}/tape.ndjson }}
""")
    daemon = Daemon(folder).start("--config", folder / "millrace.yaml")
    yield daemon
    daemon.kill()


@pytest.fixture(autouse=True)
def forget(model):
    model.answers, model.questions, model.keys = [], [], []


def llm(id="ask", provider="far", **config):
    members = {key: config.pop(key) for key in ("retry",) if key in config}
    return node(id, "llm", {"provider": provider, "model": "m", **({"prompt": "Say it"} | config if "messages" not in config else config)}, **members)


def run(daemon, *nodes, state=None, **members):
    summary = daemon.execute(daemon.create(chain(*nodes, **members)), state)
    return summary, daemon.all_events(summary["execution_id"])


def said(events, id="ask"):
    return "".join(event["data"] for event in of_node(events, id, "node_output") if event["channel"] == "chunk")


def end(events, id="ask"):
    return of_node(events, id, "node_complete")[-1]


def test_an_answer_streams_and_is_counted(daemon, model):
    model.answers = ["one two three"]
    summary, events = run(daemon, llm(prompt="Count to {{ state.n }}", system="Be brief", temperature=0.5, max_tokens=9), state={"n": 3})
    assert is_whole(events)
    assert summary["final_state"]["answer"] == said(events) == "one two three"
    details = end(events)["details"]
    assert details["model"] == "m-1" and details["usage"]["total_tokens"] == 10 and details["first_token_ms"] >= 0
    (question,) = model.questions
    assert question["messages"] == [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Count to 3"}]
    assert (question["model"], question["temperature"], question["max_tokens"], question["stream"]) == ("m", 0.5, 9, True)
    assert model.keys == [f"Bearer {KEY}"]


def test_messages_stand_as_they_are(daemon, model):
    model.answers = ["yes", "yes"]
    messages = [{"role": "user", "content": "Hi {{ state.name }}"}, {"role": "assistant", "content": "Hi"}]
    run(daemon, llm(messages=messages, provider="plain"), state={"name": "Ada"})
    run(daemon, llm(messages="{{ state.talk }}", provider="plain"), state={"talk": [{"role": "user", "content": "x"}]})
    assert model.questions[0]["messages"][0] == {"role": "user", "content": "Hi Ada"}
    assert model.questions[1]["messages"] == [{"role": "user", "content": "x"}]
    assert model.keys == [None, None]


def test_many_words_are_few_events(daemon, model):
    model.answers = [["w"] * 2000]
    summary, events = run(daemon, llm())
    chunks = [event for event in of_node(events, "ask", "node_output") if event["channel"] == "chunk"]
    assert said(events) == summary["final_state"]["answer"] and len(chunks) < 1000


def test_an_answer_that_comes_at_once_is_one_too(daemon, model):
    model.answers = [{"model": "m-2", "choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}]
    summary, events = run(daemon, llm())
    assert summary["final_state"]["answer"] == said(events) == "whole"
    assert end(events)["details"]["usage"] == {"total_tokens": 2, "estimated": True}


def test_an_object_fits_its_schema(daemon, model):
    model.answers = ['{"n": 5}']
    summary, _ = run(daemon, llm(schema=SCHEMA, into="number"))
    assert summary["final_state"]["number"] == {"n": 5}
    assert model.questions[0]["response_format"]["json_schema"]["schema"] == SCHEMA


def test_an_answer_that_does_not_fit_is_asked_for_once_more(daemon, model):
    model.answers = ['{"n": "five"}', '```json\n{"n": 5}\n```']
    summary, events = run(daemon, llm(schema=SCHEMA))
    assert summary["final_state"]["answer"] == {"n": 5}
    assert "/n" in model.questions[1]["messages"][-1]["content"]
    assert [e["data"]["text"] for e in of_node(events, "ask", "node_output") if e["channel"] == "replaces"] == ['{"n": "five"}']
    assert end(events)["details"]["usage"]["total_tokens"] == 9 + 9
    model.answers = ["no", "never"]
    summary, events = run(daemon, llm(schema=SCHEMA))
    assert "does not fit the schema" in end(events)["error"] and model.answers == []


def test_a_provider_without_schemas_is_asked_in_words(daemon, model):
    model.answers = [400, '{"n": 1}', '{"n": 2}']
    summary, _ = run(daemon, llm(schema=SCHEMA, provider="plain"), llm("again", schema=SCHEMA, provider="plain"))
    assert summary["final_state"]["answer"] == {"n": 2}
    assert ["response_format" in question for question in model.questions] == [True, False, False]
    assert "JSON Schema" in model.questions[1]["messages"][-1]["content"]


def test_fallbacks_are_asked_in_turn(daemon, model):
    model.answers = [503, "here"]
    fallback = [{"provider": "far", "model": "m2"}, {"provider": "plain", "model": "m3"}]
    summary, events = run(daemon, llm(provider="nobody", fallback=fallback))
    assert summary["final_state"]["answer"] == "here" and end(events)["details"]["provider"] == "plain"
    assert [question["model"] for question in model.questions] == ["m2", "m3"]


def test_a_provider_that_is_none_is_told(daemon, model):
    _, events = run(daemon, llm(provider="none"))
    assert "no provider none in llm.providers" in end(events)["error"] and "far" in end(events)["error"]


def test_a_busy_provider_is_asked_again(daemon, model):
    model.answers = [429, "now"]
    summary, events = run(daemon, llm(retry={"max_attempts": 2, "delay_ms": 1}))
    first, last = of_node(events, "ask", "node_complete")
    assert (first["will_retry"], first["details"]["status"], last["status"]) == (True, 429, "success")
    assert KEY not in json.dumps(events) and "***" in first["details"]["body"]


def test_a_stream_that_breaks_says_what_is_void(daemon, model):
    model.answers = [["half", "of", None], "the whole"]
    summary, events = run(daemon, llm(retry={"max_attempts": 2, "delay_ms": 1}))
    assert summary["final_state"]["answer"] == "the whole"
    void = [event for event in of_node(events, "ask", "node_output") if event["channel"] == "replaces"]
    assert [event["data"]["attempt"] for event in void] == [1, 1]
    assert void[0]["attempt"] == 1 and void[0]["data"]["text"] == "half of" and void[1]["attempt"] == 2


def test_tokens_of_an_execution_are_bounded(daemon, model):
    model.answers = ["a b", "c d", "e f"]
    nodes = [llm(str(f"n{i}"), into=f"a{i}") for i in range(3)]
    summary, events = run(daemon, *nodes, limits={"tokens": 12})
    assert end(events, "n0")["status"] == "success"
    assert "more than its limits.tokens (12)" in end(events, "n1")["error"]
    assert "used up" in end(events, "n2")["error"] and model.answers == ["e f"]


def test_a_secret_that_others_can_read_is_none(daemon, model):
    _, events = run(daemon, llm(provider="open"))
    assert "others may read it" in end(events)["error"] and model.questions == []


def test_a_model_that_says_the_secret_says_stars(daemon, model):
    model.answers = [["it", KEY, "yes"]]
    summary, events = run(daemon, llm())
    assert summary["final_state"]["answer"] == said(events) == "it *** yes"
    assert KEY not in json.dumps(events) and KEY not in daemon.log


def test_traffic_is_recorded_and_played(daemon, model):
    model.answers = ["on tape"]
    summary, _ = run(daemon, llm(provider="taped"))
    assert summary["final_state"]["answer"] == "on tape"
    for provider in ("taped", "tape"):
        summary, events = run(daemon, llm(provider=provider))
        assert summary["final_state"]["answer"] == said(events) == "on tape"
    assert len(model.questions) == 1
    _, events = run(daemon, llm(provider="tape", prompt="Something else"))
    assert "knows no answer" in end(events)["error"]


@pytest.mark.parametrize(("config", "pointer"), [
    ({"provider": "far", "model": "m"}, ""), ({"model": "m", "prompt": "x"}, ""),
    ({"provider": "far", "model": "m", "prompt": "x", "messages": []}, "/messages"),
    ({"provider": "far", "model": "m", "prompt": "x", "schema": {"type": "nothing"}}, "/schema"),
    ({"provider": "far", "model": "m", "prompt": "{{ x"}, "/prompt"),
    ({"provider": "far", "model": "m", "prompt": "x", "fallback": [{"provider": "far"}]}, "/fallback/0"),
])
def test_a_document_with_a_fault_is_refused(daemon, config, pointer):
    reply = daemon.http.post("/api/graphs/validate", json=chain(node("ask", "llm", config))).json()
    assert not reply["valid"] and reply["errors"][0]["pointer"].startswith("/nodes/0/config" + pointer)
