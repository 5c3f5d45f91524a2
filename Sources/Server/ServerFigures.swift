import Executions
import Linux
import Metrics
import Reactor

/// What the reactor's thread knows for the metrics, taken in one look, to be written elsewhere.
struct ServerFigures: Sendable {
    private let metrics: ServerMetrics
    private let turns: TurnMetrics
    private let streams: Int
    private let dashboards: Int
    private let connections: Int
    private let lag: StreamLag
    private let frameBytes: Int
    private let needsTokens: Bool
    private let tokens: Int

    /// How far streams are behind whose clients do not take what is due.
    struct StreamLag: Sendable {
        var streams = 0
        var events = 0
        var eventsMax = 0
    }

    init(_ server: Server) {
        metrics = server.metrics
        turns = server.reactor.turnMetrics
        streams = server.hub.streamCount
        dashboards = server.feed.readerCount
        connections = server.connectionCount
        lag = server.streamLag()
        needsTokens = server.needsTokens
        tokens = server.gate.usableTokenCount
        frameBytes = server.hub.memory.bytes + server.feed.lineBytes
    }

    func write(to text: inout MetricsText) {
        text.gauge("millrace_streams_open", "Event streams that are open now.", streams + dashboards)
        text.gauge("millrace_dashboards_open", "Streams of all executions among them.", dashboards)
        text.counter("millrace_streams", "Event streams that were opened.", metrics.streams)
        text.gauge("millrace_streams_lagging", "Streams whose client does not take what is due.", lag.streams)
        text.gauge("millrace_stream_lag_events", "Events that those are behind, together.", lag.events)
        text.gauge("millrace_stream_lag_events_max", "Events that the slowest of those is behind.", lag.eventsMax)
        text.counter("millrace_sent_events", "Events sent to streams.", metrics.eventsSent)
        text.counter("millrace_sent_bytes", "Bytes sent to clients.", metrics.bytesSent)
        text.gauge(
            "millrace_frame_bytes", "Memory of rendered events and of the records that they are made of.", frameBytes)
        text.gauge("millrace_connections_open", "Connections that are open now.", connections)
        text.counter("millrace_connections", "Connections that were accepted.", metrics.connectionsAccepted)
        text.counter(
            "millrace_connections_refused", "Connections that were turned away because their address had too many.",
            metrics.connectionsRefused)
        text.gauge(
            "millrace_tokens_required",
            "1 when nobody enters without a token, 0 when everybody on this host may do everything.",
            needsTokens ? 1 : 0)
        text.gauge("millrace_tokens", "Tokens that let somebody in now.", tokens)
        text.counter("millrace_http_requests", "Requests that were parsed.", metrics.requests)
        text.counter(
            "millrace_http_faults", "Requests that could not be parsed, or came too slowly.", metrics.faults)
        text.counter("millrace_reactor_turns", "Turns of the event loop.", turns.turns)
        text.counter("millrace_reactor_events", "Readiness events that were dispatched.", turns.events)
        text.histogram(
            "millrace_reactor_turn_seconds", "Time that a turn of the event loop works.", turns.times,
            unit: 1_000_000_000)
    }
}

extension MetricsText {
    /// What a Prometheus client library tells of its process, under the same names.
    mutating func add(_ usage: ProcessUsage) {
        counter("process_cpu_seconds", "Total user and system CPU time spent in seconds.", usage.cpuSeconds)
        gauge("process_resident_memory_bytes", "Resident memory size in bytes.", usage.residentBytes)
        gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", usage.virtualBytes)
        gauge(
            "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
            usage.startedAtSeconds)
        gauge("process_threads", "Threads of the process.", usage.threads)
        gauge("process_open_fds", "Number of open file descriptors.", usage.openDescriptors)
        if let limit = try? DescriptorLimit.current() {
            gauge("process_max_fds", "Maximum number of open file descriptors.", limit.soft)
        }
    }

    /// The account of all executions, and what the allocator has beside that.
    private mutating func add(_ memory: ExecutionMemory) {
        gauges(
            "millrace_memory_bytes", "Memory of all executions, by what it is for.",
            ExecutionMemory.Share.allCases.map { (labels: ["share": "\($0)"], value: memory.bytes(of: $0)) })
        gauge("millrace_log_bytes", "Memory of the events of all executions.", memory.bytes(of: .logs))
        gauge("millrace_memory_max_bytes", "The bound of it: executions.memory_bytes_max.", memory.bytesMax)
        let allocator = Allocator.usage
        gauge("millrace_allocator_used_bytes", "Memory that the process holds, by its allocator.", allocator.usedBytes)
        gauge(
            "millrace_allocator_kept_bytes", "Memory that the process has let go of, and its allocator keeps.",
            allocator.keptBytes)
    }

    mutating func add(_ service: ExecutionService) {
        let (begun, queued, load) = (service.begun, service.counts.queued, service.environment.pool.load)
        gauge("millrace_executions_running", "Executions that have begun and not ended.", begun.count)
        gauge("millrace_executions_waiting", "Those of the running ones of which all waits now.", begun.waiting)
        gauge("millrace_executions_queued", "Executions that wait for a place.", queued)
        gauge("millrace_executions_held", "Executions that wait until somebody resumes them.", service.heldCount)
        gauge(
            "millrace_history_writable", "1 while events can be stored, 0 while executions wait for it.",
            service.environment.store.fault == nil ? 1 : 0)
        add(service.environment.memory)
        gauge("millrace_workers", "Threads of the worker pool.", service.environment.pool.threadCount)
        gauge("millrace_workers_busy", "Threads of the worker pool that run something now.", load.busy)
        gauge("millrace_worker_jobs_queued", "Jobs that wait for a worker thread.", load.queued)
        let lanes: [(labels: Labels, value: Int)] = service.environment.lanes.all.map {
            (["lane": $0.name], $0.waitingCount)
        }
        gauges("millrace_lane_jobs_queued", "Jobs that block or take long, and wait for a thread of their lane.", lanes)
    }
}
