// The events of an execution, as the server sends them. Types only; nothing here runs.

/**
 * What every event carries.
 * @typedef {object} EventHead
 * @property {string} execution_id
 * @property {string} graph_id
 * @property {number} seq Counts 1, 2, 3 … within the execution.
 * @property {string} timestamp RFC 3339, UTC, microseconds.
 */

/** @typedef {{ [key: string]: unknown }} JSONObject */
/** @typedef {"success" | "error" | "skipped" | "cancelled" | "cached"} NodeEnd */
/** @typedef {"queued" | "running" | "held" | "success" | "error" | "cancelled" | "failed"} ExecutionStatus */

/**
 * What events of nodes carry. `path` names the enclosing nodes, items and iterations of a node inside another; path and
 * `node_id` together name a node of the execution.
 * @typedef {object} NodeHead
 * @property {string} node_id
 * @property {number} attempt
 * @property {(string | number)[]} [path]
 * @property {import("./drawn-events.js").DrawnTask} [drawn] Where it really happened, of an event that is told of a node of a drawing.
 */

/**
 * @typedef {object} StartFields
 * @property {"start"} type
 * @property {number} graph_revision
 * @property {JSONObject} [initial_state]
 * @property {number} node_count
 * @property {number} attempt 1, and one more after each resume of the execution.
 */

/**
 * @typedef {object} NodeStartFields
 * @property {"node_start"} type
 * @property {string} node_name
 * @property {string} node_kind
 * @property {JSONObject} [input_state]
 */

/**
 * @typedef {object} NodeOutputFields
 * @property {"node_output"} type
 * @property {string} channel `log`, `stdout`, `stderr`, `chunk`, `scope`, `item`, `approval`, or the node's own.
 * @property {unknown} data
 */

/**
 * @typedef {object} NodeCompleteFields
 * @property {"node_complete"} type
 * @property {string} node_name
 * @property {NodeEnd} status
 * @property {JSONObject} [update]
 * @property {JSONObject} [output_state]
 * @property {number} duration_ms
 * @property {number} queue_ms
 * @property {number} [wait_ms] How long it waited for people.
 * @property {string[]} taken The targets of the outgoing edges that were taken.
 * @property {string} [error]
 * @property {JSONObject} [details]
 * @property {boolean} [will_retry]
 */

/**
 * @typedef {object} CompleteFields
 * @property {"complete"} type
 * @property {"success" | "error" | "cancelled"} status
 * @property {JSONObject} [final_state]
 * @property {number} duration_ms
 * @property {string[]} failed_nodes
 */

/**
 * @typedef {object} ErrorFields
 * @property {"error"} type
 * @property {string} error
 * @property {JSONObject} [details]
 */

/**
 * The end of a graph within a node, as `scope-events.js` makes it of what the enclosing node says.
 * @typedef {object} ScopeEndFields
 * @property {"scope_end"} type
 * @property {NodeEnd} status
 * @property {number} duration_ms
 * @property {string} [error]
 */

/**
 * What an output on channel `scope` tells: a graph begins within the node; `graph` and `revision` where it is one of its own,
 * `index` and `total` where there are several.
 * @typedef {{ status: "running", index?: number, total?: number, graph?: string, revision?: number, node_count: number }} ScopeOpening
 */

/**
 * The end of a graph within a node, on channel `scope`; of an item or iteration, on channel `item`.
 * @typedef {{ status: NodeEnd, duration_ms: number, error?: string }} ScopeEnd
 * @typedef {ScopeEnd & { index: number }} ItemEnd
 */

/** @typedef {EventHead & StartFields} StartEvent */
/** @typedef {EventHead & NodeHead & NodeStartFields} NodeStartEvent */
/** @typedef {EventHead & NodeHead & NodeOutputFields} NodeOutputEvent */
/** @typedef {EventHead & NodeHead & NodeCompleteFields} NodeCompleteEvent */
/** @typedef {EventHead & CompleteFields} CompleteEvent */
/** @typedef {EventHead & ErrorFields} ErrorEvent */
/** @typedef {EventHead & ScopeEndFields} ScopeEndEvent */
/** @typedef {StartEvent | NodeStartEvent | NodeOutputEvent | NodeCompleteEvent | ScopeEndEvent | CompleteEvent | ErrorEvent} ExecutionEvent */

/**
 * Events that the history no longer keeps. It has no seq of its own.
 * @typedef {object} GapEvent
 * @property {"gap"} type
 * @property {string} execution_id
 * @property {number} from
 * @property {number} to
 */

/**
 * What the server tells of an execution without its events.
 * @typedef {object} ExecutionSummary
 * @property {string} execution_id
 * @property {string} graph_id
 * @property {number} graph_revision
 * @property {ExecutionStatus} status
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} ended_at
 * @property {number | null} duration_ms
 * @property {number} node_count
 * @property {string[]} failed_nodes
 * @property {number} last_seq
 * @property {string} [error]
 * @property {number} [attempt] Starts so far.
 * @property {string | null} [rerun_of] The execution whose results it took over.
 * @property {string | null} [started_by] The name of a token or of a trigger.
 * @property {{ until: string | null, approvals: { path: (string | number)[], node_id: string }[] } | null} [waiting_for] Where it waits.
 * @property {number} [queue_position] 1 is the next to start; only while queued.
 */

/**
 * A message of `GET /api/events` about an execution, without its seq.
 * @typedef {object} LightEvent
 * @property {"execution_queued" | "execution_started" | "execution_ended" | "execution_deleted"} type
 * @property {string} execution_id
 * @property {string} graph_id
 * @property {ExecutionStatus} status
 * @property {string} timestamp
 */

/** @typedef {{ revision: number, created_at: string, deleted: boolean, file: string | null }} RevisionSummary */

/**
 * A fault of a document; line and column where its text is known.
 * @typedef {object} DocumentFault
 * @property {string} pointer
 * @property {string} message
 * @property {number} [line]
 * @property {number} [column]
 */

/**
 * A file of the graphs folder that is not in force.
 * @typedef {object} UnloadedFile
 * @property {string | null} file Null: the code of a graph that came by the API.
 * @property {string | null} graph_id
 * @property {"refused" | "waiting" | "looking" | "renamed"} status
 * @property {DocumentFault[]} errors
 */

/**
 * @typedef {object} GraphSummary
 * @property {string} id
 * @property {string} name
 * @property {string} description
 * @property {number} revision
 * @property {number} node_count
 * @property {number} edge_count
 * @property {string} updated_at
 */

/**
 * @typedef {object} GraphNode
 * @property {string} id
 * @property {string} [name]
 * @property {string} kind
 * @property {JSONObject} [config]
 * @property {{ x: number, y: number }} [position]
 * @property {string} [on_error]
 * @property {number} [timeout_ms]
 * @property {number} [idle_timeout_ms]
 * @property {{ max_attempts?: number, delay_ms?: number, backoff?: number }} [retry]
 */

/**
 * @typedef {object} GraphEdge
 * @property {string} from
 * @property {string} to
 * @property {string | { python: string, file?: string }} [when]
 * @property {{ isConditional: boolean, label: string }} [drawn] Of an edge of a drawing.
 */

/**
 * @typedef {object} GraphDocument
 * @property {string} id
 * @property {string} [name]
 * @property {string} [description]
 * @property {JSONObject} [initial_state]
 * @property {import("./schema.js").Schema | boolean} [input_schema]
 * @property {Record<string, string>} [reducers]
 * @property {GraphNode[]} nodes
 * @property {GraphEdge[]} [edges]
 * @property {import("./drawn-graph.js").Drawing} [drawing] Of what its one node runs.
 */

/**
 * @template Item
 * @typedef {{ items: Item[], next_cursor: string | null }} Page
 */

export {};
