/** A whole workflow by the TypeScript client that openapi-generator makes (typescript-fetch). */
import { Configuration, ExecutionsApi, ExecutionStatus, GraphDocument, GraphsApi, ResponseError } from "./client";

declare const process: { argv: string[] };

function check(condition: unknown, what: string): asserts condition {
    if (!condition) throw new Error(what);
}

async function problem(call: Promise<unknown>): Promise<{ code: string; errors?: { pointer: string; line?: number }[] }> {
    try {
        await call;
    } catch (error) {
        if (error instanceof ResponseError) return await error.response.json();
        throw error;
    }
    throw new Error("a problem was expected");
}

async function main() {
    const configuration = new Configuration({ basePath: process.argv[2] });
    const graphs = new GraphsApi(configuration);
    const executions = new ExecutionsApi(configuration);

    const graphDocument: GraphDocument = {
        id: "browser",
        initialState: { name: "world" },
        nodes: [
            { id: "greet", kind: "set", config: { values: { greeting: "Hello, {{ state.name }}!" } } },
            { id: "count", kind: "lua", config: { code: "return { letters = #state.greeting }" } },
        ],
        edges: [{ from: "greet", to: "count" }],
    };
    check((await graphs.validateGraph({ graphDocument })).valid, "the document is valid");
    const created = await graphs.createGraph({ graphDocument });
    check(created.nodes[1].kind === "lua", "it comes back");
    check((await graphs.listGraphs({ faults: true })).items.some((graph) => graph.id === "browser"), "it is listed");

    const finished = await executions.execute({ id: "browser", executionRequest: { initialState: { name: "client" } } });
    check(finished.status === ExecutionStatus.Success, finished.status);
    check((finished.finalState as { letters: number }).letters === 14, "its state is computed");
    const found = await executions.listExecutions({ graphId: "browser", status: [ExecutionStatus.Success] });
    check(found.items[0].executionId === finished.executionId, "it is found");
    const node = await executions.readExecutionNode({ id: finished.executionId, nodeId: "count" });
    check(node.attempts.length === 1, "it ran once");
    check((await executions.readProfile({ id: finished.executionId })).isFinal, "its profile is final");

    const stream = await executions.executeStreamRaw({ id: "browser" });
    const types = [...(await stream.raw.text()).matchAll(/^data: (.*)$/gm)].map((line) => JSON.parse(line[1]).type);
    check(types[0] === "start" && types[types.length - 1] === "complete" && types.length === 6, types.join());
    const again = await executions.rerunExecution({ id: finished.executionId, rerunRequest: { fromNode: "count" } });
    check(again.rerunOf === finished.executionId, "it is run again");

    check((await problem(graphs.readGraph({ id: "none" }))).code === "unknown_graph", "there is no such graph");
    const faulty = await problem(graphs.createGraph({ graphDocument: { id: "faulty", nodes: [{ id: "a", kind: "dealy" }] } }));
    check(faulty.errors?.[0].pointer === "/nodes/0/kind" && faulty.errors[0].line === 1, "its fault is named");
    await graphs.deleteGraph({ id: "browser" });
    console.log("done");
}

main();
