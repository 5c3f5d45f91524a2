"""The log as entries of the journal."""

import json

import host as hosts

TWO = """
id: two
nodes:
  - { id: first, kind: set, config: { values: { x: 1 } } }
  - { id: second, kind: lua, config: { code: "error('broken on purpose')" } }
edges: [{ from: first, to: second }]
"""


def test_the_journal_tells_the_story_of_one_execution(host):
    host.write("/etc/millrace/graphs/two.yaml", TWO)
    host.systemctl("start", hosts.SERVICE)
    host.post("/api/graphs/hello/execute")
    execution_id = host.post("/api/graphs/two/execute")["execution_id"]
    entries = host.journal(f"EXECUTION_ID={execution_id}")
    story = [(" ".join(entry["MESSAGE"].split()[:2]), entry.get("NODE_ID"), entry["PRIORITY"]) for entry in entries]
    assert story == [
        ("execution started", None, "6"), ("node started", "first", "6"), ("node ended", "first", "6"),
        ("node started", "second", "6"), ("node ended", "second", "4"), ("execution ended", None, "6"),
    ]
    assert "broken on purpose" in entries[4]["MESSAGE"]
    for entry in entries:
        assert entry["GRAPH_ID"] == "two"
        assert entry["SYSLOG_IDENTIFIER"] == "millrace"
        assert entry["_SYSTEMD_UNIT"] == hosts.SERVICE
        assert entry["CODE_FILE"].endswith("LogLine+Execution.swift") and entry["CODE_FUNC"]
    assert len({entry["CODE_LINE"] for entry in entries}) == 5


def test_the_catalog_explains_each_message(host):
    host.write("/etc/millrace/graphs/two.yaml", TWO)
    host.write("/etc/millrace/graphs/bad.yaml", "id: bad\n")
    host.systemctl("start", hosts.SERVICE)
    host.post("/api/graphs/two/execute")
    entries = [entry for entry in host.journal("-u", hosts.SERVICE) if "MESSAGE_ID" in entry and "CODE_FILE" in entry]
    identifiers = {entry["MESSAGE_ID"] for entry in entries if "swift" in entry["CODE_FILE"]}
    assert len(identifiers) >= 6
    for identifier in identifiers:
        assert "Defined-By: Millrace" in host.run("journalctl", "--dump-catalog", identifier).stdout


def test_lines_of_json_are_had_on_demand(host):
    host.write("/etc/millrace/millrace.yaml", "log: { format: json }\n")
    host.systemctl("start", hosts.SERVICE)
    execution_id = host.post("/api/graphs/hello/execute")["execution_id"]
    lines = [json.loads(entry["MESSAGE"]) for entry in host.journal("-u", hosts.SERVICE) if execution_id in entry["MESSAGE"]]
    story = [line["message"] for line in lines if line["message"] != "audit"]
    assert story[0] == "execution started"
    assert len(story) == 8
