extension ManualPage {
    /// The protocol between the daemon and its workers.
    static var worker: ManualPage {
        var page = ManualPage(
            "millrace-worker", section: 7, abstract: "how the Millrace daemon talks with the processes that run nodes")
        page.heading("DESCRIPTION")
        page.prose(workerDescription)
        page.heading("ORDERS")
        for (term, meaning) in workerOrders { page.item(term, meaning) }
        page.heading("MESSAGES")
        for (term, meaning) in workerMessages { page.item(term, meaning) }
        page.heading("TIME")
        page.prose(workerTime)
        page.heading("STATES")
        page.prose(workerStates)
        page.heading("LIMITS")
        page.prose(workerLimits)
        page.heading("EXAMPLE")
        page.prose(workerExample)
        page.heading("SEE ALSO")
        page.prose("millrace-serve(1), millrace.yaml(5)")
        return page
    }
}

private let workerDescription = """
    A worker is a process that runs nodes, call after call, and lives on between them. A node of kind worker names the
    program (command, in the graph's folder) and what that is told to run (target, any JSON); python and langgraph nodes
    have the daemon's own. Each graph has processes of its own; a program that is edited is started anew. The daemon writes
    orders to its standard input; the worker writes messages to its standard output. Its standard error is free: what
    is written there becomes output on channel stderr of the node whose call runs, or, if several do, of each of them,
    and the end of it is told when the worker dies. All that a worker starts ends with it.

    Orders and messages are JSON objects (RFC 8259) in UTF-8, one a line, without a newline inside. The first member
    of each names what it is, and its value is a number: of the call that it is about, or of the version. Further
    members come in any order.

    Both begin with a hello, and a version that the other does not know ends the worker. No call comes before the
    worker's hello.

    Members that are not known are ignored, on either side. A worker ignores orders that it does not know; a message
    that the daemon does not know, or a line that is no message, ends the worker, and its calls fail.

    Messages about a call that has ended are ignored. SIGTERM asks a worker to end within a second; the end of its
    standard input does too.
    """

private let workerOrders: [(String, String)] = [
    (
        "{\"hello\": 1, \"stdout\": 4}",
        """
        The version of the protocol. stdout is the number of an open descriptor, a pipe that the worker may make its standard \
        output once it has put its messages elsewhere (dup2(2)): what is written there becomes output on channel stdout.
        """
    ),
    (
        "{\"call\": 7, \"node\": \"id\", \"attempt\": 1, \"key\": \"…\", \"target\": …, \"state\": {…}}",
        """
        Run a node. Numbers of calls never come twice. key is the same for all attempts of the node in its execution, for side \
        effects that must not happen twice. target is what the document says is to be run. traceparent is there if the \
        execution has one (W3C Trace Context), and reducers, an object with a reducer's name by key, if the graph has any. \
        A call that hosts a graph has kept, what earlier calls of the node wanted kept, thread, the name of the execution's \
        thread, and config, what the start lays over the graph's own, where there are such. \
        With "begun": true the daemon waits for no began. In place of state there may be state_of or state_after; see below.
        """
    ),
    (
        "{\"cancel\": 7}",
        """
        End the call, and answer with cancelled, or with update or error if it ends anyway. A call that has not begun must not \
        begin any more. One that goes on for a second has its worker ended. (A plain Python function \
        cannot hear it: its worker is ended at once.)
        """
    ),
    (
        "{\"drain\": 7}",
        """
        The daemon is about to stop, and the call hosts a graph: it may end where another call can go on, and says drained then. \
        A call that goes on all the same is interrupted when the time of the stop is over.
        """
    ),
]

private let workerMessages: [(String, String)] = [
    (
        "{\"hello\": 1, \"name\": \"…\", \"began\": true, \"keeps\": 16}",
        """
        began: the worker says when a call begins. keeps: how many states it keeps, 0 if it is left out.
        """
    ),
    (
        "{\"began\": 7, \"async\": false}",
        """
        The node's own time begins: what it needs is loaded. Of a target that this process has begun before, it may be left \
        out, and of a call with "begun": true. async: the process may be given other calls while this one waits; then began is \
        said of each call without "begun": true.
        """
    ),
    (
        "{\"text\": 7, \"channel\": \"stdout\", \"data\": \"Hel\"}",
        """
        Text that was printed, on channel stdout or stderr, in whatever pieces. The daemon makes lines of it, which a newline \
        or a carriage return ends; of a line that goes on, it tells what there is every 30 ms at the most.
        """
    ),
    (
        "{\"emit\": 7, \"channel\": \"chunk\", \"data\": …}",
        "Output of the node, any JSON. Without a channel it is chunk."
    ),
    ("{\"log\": 7, \"data\": \"…\"}", "The same on channel log."),
    (
        "{\"step\": 7, \"around\": null, \"index\": 1, \"tasks\": [{\"id\": \"…\", \"name\": \"…\", \"input\": {…}}]}",
        """
        Of a call that hosts a graph: a step of it begins, with these tasks, which run from now on. around is the id of the \
        task whose own graph it is. index counts the steps of one graph; the step before it ends. Ids and names have 256 bytes \
        at the most; a task that has begun begins no more. Output may say "task": id.
        """
    ),
    (
        "{\"task\": 7, \"id\": \"…\", \"update\": {…}, \"output\": {…}}",
        """
        A task has ended. output has those keys of the update of which the state then has another value. One that has failed has \
        message and details instead. What does not fit what was said before fails the node.
        """
    ),
    (
        "{\"ask\": 7, \"id\": \"…\", \"prompt\": …, \"schema\": null}",
        """
        A task waits for an answer, which schema (JSON Schema) may describe. The call ends with an update once nothing else of \
        the graph runs. When all is answered, another call of the node goes on; its order has what the worker wanted kept, and \
        the answers.
        """
    ),
    (
        "{\"kept\": 7, \"space\": \"\", \"content\": {…}, \"values\": {…}}",
        """
        Of a call with a thread: the graph has come to its end, with these values; the next execution of the thread begins with \
        content.
        """
    ),
    ("{\"drained\": 7}", "The call has ended where another one can go on, because it was told to drain."),
    ("{\"update\": 7, \"value\": {…}}", "The call has succeeded, with the keys of the state that it sets."),
    (
        "{\"update\": 7, \"next\": \"b\", \"value\": {…}}",
        "The same, and of the nodes that come next only the one of that id or name goes on."
    ),
    (
        "{\"error\": 7, \"message\": \"…\", \"details\": {…}}",
        "The call has failed. details is any object, and may be left out."
    ),
    ("{\"cancelled\": 7}", "The call has ended because it was cancelled."),
    (
        "{\"leaving\": 4711}",
        """
        The worker ends by itself after the calls that it has begun, and takes no more; those that it has not begun are run \
        elsewhere. The number is its process.
        """
    ),
    (
        "{\"imported\": 4711, \"path\": \"plugins/a.py\"}",
        """
        Of Python workers: a node has imported a file of the graph's folder that its revision does not keep, by its path below \
        that folder. The next revision keeps it. The number is the worker's process.
        """
    ),
    (
        "{\"blocked\": 7}",
        """
        Call 7 keeps the process from all others that have begun in it: it computes, or waits in a way that lets nobody else go \
        on. Until unblocked comes, their time does not count. After five seconds those that may are run again elsewhere.
        """
    ),
    ("{\"unblocked\": 7}", "The others can go on."),
    ("{\"forgotten\": 7}", "The state that the call names is kept no more. The call comes again, with its state."),
]

private let workerTime = """
    The time of a node, and its timeout_ms, count from began, or from the call where the worker says no began. Waiting for
    a worker, its start and what it loads for a call are time in the queue; for the start and the loading there is a limit
    of its own (kinds.python.start_ms).

    A call that is cancelled before it has begun is over for the daemon at once; the worker may go on loading, which is of
    use to the next call, and answers cancelled when it gets to it.

    Where a worker must be ended because of one call, or one keeps it from the others for too long, those that have not begun,
    or whose nodes are idempotent, are run again in another, with all of their time, and without counting an attempt.
    """

private let workerStates = """
    A state that several calls share need not be sent to a worker each time. A call with "keep": true asks the worker to
    keep its state, as it came, under the call's number. Later calls may say, in place of state,

      "state_of": 7       the state that call 7 had
      "state_after": 7    that state with the update of call 7 laid over it, key by key; its call had no reducers

    Such calls' own states are kept as well. The worker keeps the latest so many as its hello says, fewer if it likes: what
    it has no more it answers with forgotten.
    """

private let workerLimits = """
    A message has at most 32 MiB; a worker that writes a longer line is ended. Names of channels are cut at 256 bytes. Orders may be longer: a state has at most
    executions.state_bytes_max, and its call some more.
    """

private let workerExample = """
    A worker in a shell, for one call at a time:

      echo '{"hello":1}'
      while read -r line; do
        number=$(printf %s "$line" | jq '.call // empty')
        [ -n "$number" ] || continue
        total=$(printf %s "$line" | jq '.state.a + .state.b')
        echo "{\\"update\\":$number,\\"value\\":{\\"total\\":$total}}"
      done
    """
