"""A front end of the original: a page of another origin, whose client knows nothing but the classic dialect."""

import functools
import http.server
import threading

import pytest

# As the description of the dialect says: lines end at "\n", "data: " is cut off, and what is to be done is in `event_type`.
PAGE = """<!doctype html>
<title>Graph</title>
<ol id="nodes"></ol>
<p id="state"></p>
<script type="module">
  const base = new URLSearchParams(location.search).get("base");
  const told = (window.told = []);
  const ask = async (path, options) => {
    const response = await fetch(`${base}${path}`, options);
    if (!response.ok) throw new Error((await response.json()).detail);
    return response;
  };

  window.load = async (graphId) => {
    const { structure } = await (await ask(`/api/graphs/${graphId}`)).json();
    for (const node of Object.values(structure.nodes)) {
      const item = document.createElement("li");
      item.id = node.id;
      item.textContent = node.name;
      document.querySelector("#nodes").append(item);
    }
  };

  window.run = async (graphId, initialState, config) => {
    const body = JSON.stringify({ initial_state: initialState, config });
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body };
    const response = await ask(`/api/graphs/${graphId}/execute/stream`, options);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return told.length;
      buffer += decoder.decode(value, { stream: true });
      const lines = buffer.split("\\n");
      buffer = lines.pop();
      for (const line of lines) if (line) show(JSON.parse(line.slice("data: ".length)));
    }
  };

  function show(event) {
    told.push(event.event_type);
    const item = event.node_id && document.getElementById(event.node_id);
    switch (event.event_type) {
      case "start":
        document.body.dataset.execution = event.execution_id;
        document.querySelector("#state").textContent = "running";
        break;
      case "node_start":
        item.className = "running";
        break;
      case "node_complete":
        item.className = event.status;
        item.title = event.error ?? JSON.stringify(event.output_state);
        break;
      case "complete":
        document.querySelector("#state").textContent = `${event.status} ${JSON.stringify(event.output_state)}`;
        break;
      case "error":
        document.querySelector("#state").textContent = `failed: ${event.error}`;
        break;
      default:
        throw new Error(`what is ${event.event_type}?`);
    }
  }
</script>
"""

GATE = "until [ -e {} ]; do sleep 0.02; done"


@pytest.fixture
def page_url(tmp_path):
    """Another origin, which serves the page."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "favicon.ico").touch()
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def document(gate):
    return {
        "id": "walk", "initial_state": {"name": "nobody"},
        "nodes": [
            {"id": "first", "kind": "set", "config": {"values": {"greeting": "Hello {{ state.name }}\n\u2028"}}},
            {"id": "waits", "name": "Waits", "kind": "process",
             "config": {"command": ["sh", "-c", GATE.format(gate)], "input": "none", "output": "text", "key": "out"}},
            {"id": "breaks", "kind": "lua", "config": {"code": "error('on purpose')"}, "on_error": "skip"},
            {"id": "never", "kind": "set", "config": {"values": {"never": 1}}},
        ],
        "edges": [{"from": "first", "to": "waits"}, {"from": "waits", "to": "breaks"}, {"from": "breaks", "to": "never"}],
    }


def test_its_page_works_unchanged(new_daemon, new_page, page_url, tmp_path):
    daemon = new_daemon("--set", f"http.allowed_origins={page_url}")
    gate = tmp_path / "gate"
    daemon.create(document(gate))
    page = new_page(f"{page_url}/?base={daemon.url}/classic")
    page.evaluate("load('walk')")
    assert page.locator("li").all_inner_texts() == ["first", "Waits", "breaks", "never"]
    page.evaluate("() => { window.ended = run('walk', {name: 'Ada'}, {recursion_limit: 5}); }")
    # It is seen while it happens, not when all is over.
    page.wait_for_selector("#waits.running")
    assert page.locator("#state").inner_text() == "running"
    gate.touch()
    assert page.evaluate("() => window.ended") == 8
    classes = {id: page.locator(f"#{id}").get_attribute("class") for id in ("first", "waits", "breaks", "never")}
    assert classes == {"first": "success", "waits": "success", "breaks": "error", "never": None}
    assert "Hello Ada" in page.locator("#first").get_attribute("title")
    assert "on purpose" in page.locator("#breaks").get_attribute("title")
    assert page.locator("#state").inner_text().startswith('error {"name":"Ada"')
    execution_id = page.evaluate("document.body.dataset.execution")
    assert daemon.summary(execution_id)["status"] == "error"
    history = page.evaluate(f"fetch('{daemon.url}/classic/api/executions/{execution_id}').then((reply) => reply.json())")
    assert [event["event_type"] for event in history["execution_history"]] == page.evaluate("told")


def test_a_page_that_goes_ends_its_stream_and_not_the_execution(new_daemon, new_page, page_url, tmp_path):
    daemon = new_daemon("--set", f"http.allowed_origins={page_url}")
    gate = tmp_path / "gate"
    daemon.create(document(gate))
    page = new_page(f"{page_url}/?base={daemon.url}/classic")
    page.evaluate("load('walk')")
    page.evaluate("() => { run('walk', {}); }")
    page.wait_for_selector("#waits.running")
    execution_id = page.evaluate("document.body.dataset.execution")
    page.goto("about:blank")
    gate.touch()
    assert [event["type"] for event in daemon.all_events(execution_id)][-1] == "complete"


def test_a_page_that_is_not_configured_is_refused(new_daemon, new_page, page_url, tmp_path):
    daemon = new_daemon()
    daemon.create(document(tmp_path / "gate"))
    page = new_page(f"{page_url}/?base={daemon.url}/classic")
    page.allow("CORS|Failed to load resource")
    assert page.evaluate("load('walk').catch((error) => error.name)") == "TypeError"
    assert f"http.allowed_origins: [{page_url}]" in daemon.log
