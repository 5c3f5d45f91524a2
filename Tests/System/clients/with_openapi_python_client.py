"""A whole workflow by the client that openapi-python-client makes."""

import sys
import uuid

from millrace_client import AuthenticatedClient
from millrace_client.api.executions import execute, list_executions, read_events, read_execution_node, rerun_execution
from millrace_client.api.graphs import create_graph, delete_graph, list_graphs, read_graph, validate_graph
from millrace_client.models.execution import Execution
from millrace_client.models.execution_page import ExecutionPage
from millrace_client.models.execution_node import ExecutionNode
from millrace_client.models.execution_request import ExecutionRequest
from millrace_client.models.execution_status import ExecutionStatus
from millrace_client.models.finished_execution import FinishedExecution
from millrace_client.models.graph_document import GraphDocument
from millrace_client.models.graph_page import GraphPage
from millrace_client.models.node import Node
from millrace_client.models.node_config import NodeConfig
from millrace_client.models.problem import Problem
from millrace_client.models.rerun_request import RerunRequest
from millrace_client.models.state import State
from millrace_client.models.validation import Validation

# It never says by itself what it accepts, and events come as a stream where nobody asks for JSON.
client = AuthenticatedClient(
    base_url=sys.argv[1], token="none is needed", headers={"Accept": "application/json"}, raise_on_unexpected_status=True
)

config = NodeConfig.from_dict({"values": {"greeting": "Hello, {{ state.name }}!"}})
document = GraphDocument(id="typed", nodes=[Node(id="greet", kind="set", config=config)])
verdict = validate_graph.sync(client=client, body=document)
assert isinstance(verdict, Validation) and verdict.valid
created = create_graph.sync_detailed(client=client, body=document)
assert created.status_code == 201 and isinstance(created.parsed, GraphDocument)
page = list_graphs.sync(client=client)
assert isinstance(page, GraphPage) and "typed" in [graph.id for graph in page.items]
faulty = validate_graph.sync(client=client, body=GraphDocument(id="Typed", nodes=[]))
assert isinstance(faulty, Validation) and [fault.pointer for fault in faulty.errors] == ["/id", "/nodes"]

body = ExecutionRequest(initial_state=State.from_dict({"name": "client"}))
finished = execute.sync(id="typed", client=client, body=body)
assert isinstance(finished, FinishedExecution) and finished.status is ExecutionStatus.SUCCESS
assert isinstance(finished.final_state, State) and finished.final_state["greeting"] == "Hello, client!"
executions = list_executions.sync(client=client, graph_id="typed")
assert isinstance(executions, ExecutionPage) and [run.execution_id for run in executions.items] == [finished.execution_id]

events = read_events.sync(id=finished.execution_id, client=client)
assert isinstance(events, list) and [event.type_ for event in events] == ["start", "node_start", "node_complete", "complete"]
node = read_execution_node.sync(id=finished.execution_id, node_id="greet", client=client)
assert isinstance(node, ExecutionNode) and len(node.attempts) == 1
again = rerun_execution.sync(id=finished.execution_id, client=client, body=RerunRequest(from_node="greet"))
assert isinstance(again, Execution) and again.rerun_of == finished.execution_id

missing = read_graph.sync(id="none", client=client)
assert isinstance(missing, Problem) and missing.code == "unknown_graph"
lost = read_execution_node.sync(id=uuid.UUID(int=0), node_id="greet", client=client)
assert isinstance(lost, Problem)
assert delete_graph.sync_detailed(id="typed", client=client).status_code == 204
print("done")
