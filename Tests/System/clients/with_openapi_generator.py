"""A whole workflow by the Python client that openapi-generator makes."""

import sys
from uuid import UUID

from openapi_client import ApiClient, Configuration
from openapi_client.api.daemon_api import DaemonApi
from openapi_client.api.executions_api import ExecutionsApi
from openapi_client.api.graphs_api import GraphsApi
from openapi_client.exceptions import NotFoundException, UnprocessableEntityException
from openapi_client.models.edge import Edge
from openapi_client.models.execution_request import ExecutionRequest
from openapi_client.models.execution_status import ExecutionStatus
from openapi_client.models.graph_document import GraphDocument
from openapi_client.models.node import Node
from openapi_client.models.node_complete_event import NodeCompleteEvent
from openapi_client.models.rerun_request import RerunRequest
from openapi_client.models.rerun_request_from_node import RerunRequestFromNode

client = ApiClient(Configuration(host=sys.argv[1]))
graphs, executions = GraphsApi(client), ExecutionsApi(client)
assert DaemonApi(client).readiness().status == "ready"

greet = Node(id="greet", kind="set", config={"values": {"greeting": "Hello, {{ state.name }}!"}})
fail = Node(id="fail", kind="lua", config={"code": "error('on purpose')"})
document = GraphDocument(
    id="client", initial_state={"name": "world"}, nodes=[greet, fail],
    edges=[Edge.model_validate({"from": "greet", "to": "fail"})],
)
assert graphs.validate_graph(document).valid
created = graphs.create_graph_with_http_info(document)
assert created.status_code == 201 and created.data.nodes[1].config == fail.config
assert "client" in [graph.id for graph in graphs.list_graphs().items]
assert {"set", "lua"} <= {kind.name for kind in graphs.list_node_kinds()}
assert graphs.list_graphs(faults=True).faults == []
assert set(graphs.layout_graph(document).positions) == {"greet", "fail"}

document.name = "By a client"
assert graphs.replace_graph("client", document).name == "By a client"
assert [entry.revision for entry in graphs.list_revisions("client").items] == [2, 1]

finished = executions.execute("client", execution_request=ExecutionRequest(initial_state={"name": "client"}))
assert finished.status == ExecutionStatus.ERROR and finished.failed_nodes == ["fail"]
assert finished.final_state is not None and finished.final_state["greeting"] == "Hello, client!"
run = finished.execution_id
assert run in [each.execution_id for each in executions.list_executions(graph_id="client").items]
assert executions.read_execution(run).last_seq == finished.last_seq

events = [event.actual_instance for event in executions.read_events(run)]
ends = [event for event in events if isinstance(event, NodeCompleteEvent)]
assert [end.status for end in ends] == ["success", "error"] and ends[0].update == {"greeting": "Hello, client!"}
# Of the types of an answer it accepts the first that looks like JSON, which here is that of a refusal.
stream = executions.execute_stream_without_preload_content("client", _headers={"Accept": "text/event-stream"})
lines = stream.data.decode().split("\n")
assert sum(line.startswith("data: ") for line in lines) == 6

assert executions.read_execution_node(run, "greet").update == {"greeting": "Hello, client!"}
assert executions.read_profile(run).is_final
assert graphs.read_graph_profile("client").executions >= 2
again = executions.rerun_execution(run, rerun_request=RerunRequest(from_node=RerunRequestFromNode("failed")))
assert again.rerun_of == run

try:
    executions.read_execution(UUID(int=7))
    raise AssertionError("there is no such execution")
except NotFoundException as problem:
    assert problem.data is not None and problem.data.code == "unknown_execution"
try:
    graphs.create_graph(GraphDocument(id="faulty", nodes=[Node(id="a", kind="dealy")]))
    raise AssertionError("there is no such kind")
except UnprocessableEntityException as problem:
    assert problem.data is not None
    assert problem.data.errors[0].pointer == "/nodes/0/kind" and problem.data.errors[0].line == 1

graphs.delete_graph("client")
print("done")
