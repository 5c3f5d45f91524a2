extension ManualPage {
    /// What graphs are written in.
    static var graph: ManualPage {
        var page = ManualPage("millrace-graph", section: 5, abstract: "documents of Millrace graphs")
        page.heading("DESCRIPTION")
        page.prose(graphDescription)
        page.heading("KEYS OF A GRAPH")
        for (key, meaning) in graphKeys { page.item(key, meaning) }
        page.heading("KEYS OF A NODE")
        for (key, meaning) in nodeKeys { page.item(key, meaning) }
        page.heading("KEYS OF AN EDGE")
        for (key, meaning) in edgeKeys { page.item(key, meaning) }
        page.heading("KINDS OF NODES")
        page.prose("GET /api/node-kinds of a daemon has the JSON Schema of each kind's config.")
        for (kind, meaning) in graphKinds { page.item(kind, meaning) }
        page.heading("PYTHON GRAPHS")
        page.prose(pythonGraphs)
        page.heading("STATE")
        page.prose(graphState)
        page.heading("EXAMPLE")
        page.prose(graphExample)
        page.heading("SEE ALSO")
        page.prose("millrace-run(1), millrace-graph-validate(1), millrace-graph-put(1), millrace.yaml(5)")
        return page
    }
}

private let graphDescription = """
    A graph is a document in YAML or JSON: nodes, and edges between them. It has no cycles. A daemon takes documents from its
    graphs folder and by its API, and refuses one with a fault as a whole, with every fault named; so does

      millrace graph validate FILE

    A node is ready once each edge into it is decided and at least one of them is taken; one without edges into it is
    ready at once. Ready nodes run in parallel. If no edge into it is taken, a node is skipped. Unknown keys are refused.
    """

private let graphKeys = [
    ("id", "[a-z0-9][a-z0-9._-]*, at most 64 characters. Needed."),
    ("name, description", "For people. The name is the id if there is none."),
    ("initial_state", "The state that executions begin with; what a start brings is laid over it, key by key."),
    (
        "input_schema",
        """
        A JSON Schema (2020-12) of the state that executions begin with, initial_state and what a start brings together. A start that does not fit is refused, with what is wrong and where. $ref leads within the schema only; defaults are for forms, and not filled in.
        """
    ),
    (
        "reducers",
        """
        By key of the state, how updates of several nodes combine: replace (default), append, merge (RFC 7396), sum, min or max.
        """
    ),
    (
        "limits",
        "max_parallel_nodes: nodes that run at once. timeout_ms: the time of an execution. tokens: what its llm nodes may use together."
    ),
    ("on_restart", "resume (default): the execution goes on when the daemon is back. fail: it ends as failed."),
    (
        "python",
        "interpreter: of python nodes, a program or the folder of a virtual environment. A .venv beside the document is used without."
    ),
    ("nodes", "A list of nodes."),
    ("edges", "A list of edges."),
]

private let nodeKeys = [
    ("id", "[A-Za-z_][A-Za-z0-9_-]*, at most 64 characters, once in the graph. Needed."),
    ("name", "For people."),
    ("kind", "What it does. Needed."),
    ("config", "How; each kind has its own keys."),
    ("timeout_ms, idle_timeout_ms", "How long an attempt may run, and for how long put out nothing."),
    ("retry", "max_attempts, delay_ms (before the second attempt) and backoff (how much longer each further wait is)."),
    (
        "on_error",
        "continue (default): what follows runs all the same. skip: it is skipped. stop: the execution ends."
    ),
    ("idempotent", "false: an attempt that a restart has interrupted ends in error, and is not run again."),
    ("position", "x and y in an editor. No effect."),
]

private let edgeKeys = [
    ("from, to", "Ids of nodes. Needed."),
    (
        "when",
        """
        A Lua expression over state (what the first node left) and nodes (status and update by id). Without it the edge is taken
        unless its node was skipped or ended in an error that stops what follows.
        """
    ),
]

private let graphKinds = [
    ("set", "values: keys and their values, in which {{ Lua }} stands for what it gives."),
    ("delay", "duration_ms."),
    ("lua", "code that returns a table, or an expression and the key that takes it."),
    ("python", "file and function, or code. The function takes the state, and returns its update."),
    (
        "langgraph",
        """
        file and graph: what the file calls its graph of LangGraph, which its interpreter must have (pip install langgraph).
        config and context are LangGraph's, env and dependencies those of a langgraph.json. Its nodes show with a path: the
        node and the step.
        """
    ),
    (
        "process",
        """
        command, a list; the state is its stdin, and its stdout the update, or with output: text the key that key names. input
        and environment besides.
        """
    ),
    (
        "worker",
        """
        command, a list: a program in any language that speaks the protocol of millrace-worker(7), and is asked call after call.
        target: any JSON, what it is told to run.
        """
    ),
    (
        "http",
        """
        url, and method, query, headers and body besides, all with templates; what a value puts into the url behind its host is
        percent-encoded. response: json (default), text, base64 or none; stream: lines, sse or bytes puts the body out as it
        comes. into: the keys that take body, status and headers.
        """
    ),
    (
        "llm",
        """
        provider (of llm.providers, see millrace.yaml(5)) and model; prompt, or messages, and system; temperature, max_tokens.
        schema: the answer is a value that fits it. fallback: a list of provider and model, asked in turn. into: the key that
        takes the answer.
        """
    ),
    ("graph", "graph: the id of another graph, and revision, state and into besides. Its nodes run within this one."),
    (
        "map",
        """
        items (a template that gives a list, or file: a file with a JSON value a line), and graph, or nodes and edges: what runs
        for each. as and index name the keys of the item and its place; parallel: how many at once; on_item_error: fail or
        collect. result, into and reduce: what is kept of them.
        """
    ),
    (
        "repeat",
        """
        until, a Lua condition that is judged after each iteration, max, and graph, or nodes and edges. The state of one
        iteration is what the next begins with.
        """
    ),
    (
        "approval",
        """
        prompt, and schema (of the data of an answer), required (how many have to approve), exclude_starter, deadline_ms and
        on_deadline (fail, reject or approve), into. It waits for people: millrace-serve(1), GET /api/approvals.
        """
    ),
]

private let pythonGraphs = """
    A Python file of the graphs folder, or of a folder in it, that makes a graph is a graph, its code unchanged. Looked for at
    its module level are, in this order: a compiled graph of LangGraph; a StateGraph; an object with nodes (objects with
    execute(state), or callables) and edges (pairs, triples with a condition, objects or dicts); a list of objects with execute
    that is called nodes, steps or pipeline. Of several, the one called graph, app, agent or workflow is taken. A langgraph.json
    names its graphs, their env and dependencies as langgraph dev reads it. The id of a graph is the name of its file in lower
    case; where that is another's, the folder's name stands before it.

    Each node of an object graph is a node of kind python, and the rules of this page hold for it. A graph of LangGraph is one
    node of kind langgraph, which LangGraph runs: it may have cycles.

    A file is run once for each content to see what it makes, by a .venv beside it or kinds.python.interpreter, confined and for
    kinds.python.look_ms at most. Not looked at are folders that begin with . or _ or hold a pyvenv.cfg, node_modules, test_*,
    conftest.py, and files that a document names. What a file makes, and what of it was not understood, is shown by

      millrace graph import FILE.py --explain

    GET /api/graphs?faults=true names the files that make no graph for a fault in them.
    """

private let graphState = """
    A node sees the initial state with the updates of all nodes that led to it, and returns an update: an object. Where two of
    them set a key, the one that comes later in topological order wins, or the key's reducer combines them; never the one that
    happened to end last. So the same inputs give the same state.
    """

private let graphExample = """
    A graph of two nodes:

      id: greeting
      initial_state: { name: world }
      nodes:
        - id: greet
          kind: set
          config: { values: { text: "Hello, {{ state.name }}!" } }
        - id: shout
          kind: lua
          config: { code: "return { text = string.upper(state.text) }" }
      edges:
        - { from: greet, to: shout, when: "#state.name > 3" }
    """
