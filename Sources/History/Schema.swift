// The layout of the history file.
//
// A short execution is one row in `executions`, appended at the right end of its b-tree: with the 16 KiB pages of the file,
// each further page that a commit touches costs as much as ten such rows. Therefore
// - the events of an execution that had ended by its first commit, and had few bytes of them, lie in its own row; those that
//   others had by their first commit have a table of their own, whose key is the execution alone; only what a longer
//   execution stores later goes into `later_events`;
// - rows are not indexed one by one, but in blocks of neighbours, hundreds of rows at once, some time after their own commit
//   (ExecutionBlocks.swift): `watermarks.indexed_through` is the execution up to which all rows are in blocks. Lists look
//   through the few newer rows one by one.
// With events in a row of their own, and two indexes of the rows, the store's thread took 4.7 µs per short execution instead
// of 3.3 (90 in a commit).

import Executions
import GRDB

enum Schema {
    /// "Mill", in the file's header (PRAGMA application_id).
    static let applicationID: Int32 = 0x4D69_6C6C
    /// What this code reads and writes (PRAGMA user_version).
    static let version = 9

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { database in
            try database.execute(sql: executions + events + graphs)
            try database.execute(sql: "PRAGMA user_version = 1")
        }
        migrator.registerMigration("v2") { database in
            try database.execute(sql: resuming)
            try database.execute(sql: "PRAGMA user_version = 2")
        }
        migrator.registerMigration("v3") { database in
            try database.execute(sql: startKeys + retention)
            try database.execute(sql: "PRAGMA user_version = 3")
        }
        migrator.registerMigration("v4") { database in
            try database.execute(sql: abandonment + HistoryIdentity.make().sql)
            try database.execute(sql: "PRAGMA user_version = 4")
        }
        migrator.registerMigration("v5") { database in
            try database.execute(sql: shortEvents + blocks)
            var made = (indexedThrough: Int64(0), count: 1)
            while made.count > 0 {
                made = try database.makeBlocks(after: made.indexedThrough, executionsMax: blockedAtOnce)
            }
            try database.execute(sql: "PRAGMA user_version = 5")
        }
        migrator.registerMigration("v6") { database in
            try database.execute(sql: starters + queuedStates + contentIndex)
            try database.execute(sql: "PRAGMA user_version = 6")
        }
        migrator.registerMigration("v7") { database in
            try database.execute(sql: labels + graphTexts)
            try database.execute(sql: "PRAGMA user_version = 7")
        }
        migrator.registerMigration("v8") { database in
            try database.execute(sql: scopes + waits)
            try database.execute(sql: "PRAGMA user_version = 8")
        }
        migrator.registerMigration("v9") { database in
            try database.execute(sql: threads)
            try database.execute(sql: "PRAGMA user_version = 9")
        }
        return migrator
    }

    /// Executions that come into blocks at once when the file is brought to version 5.
    private static let blockedAtOnce = 10_000

    /// Times are microseconds since 1970 UTC. `id` and `id_low` are the two halves of an `ExecutionID`, of which the first
    /// holds milliseconds; `watermarks.clock_lead_ms` is by how much those have ever been ahead of `created_at`.
    private static let executions = """
        CREATE TABLE executions(
            id INTEGER PRIMARY KEY,
            id_low INTEGER NOT NULL,
            graph_key INTEGER NOT NULL,
            graph_revision INTEGER NOT NULL,
            node_count INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            status INTEGER NOT NULL,
            is_indexed INTEGER,
            started_at INTEGER,
            ended_at INTEGER,
            duration INTEGER,
            last_seq INTEGER NOT NULL,
            failed_nodes TEXT,
            error TEXT
        );
        CREATE INDEX executions_by_graph ON executions(graph_key, status) WHERE is_indexed = 1;
        CREATE INDEX executions_by_status ON executions(status) WHERE is_indexed = 1;
        CREATE TABLE watermarks(
            indexed_through INTEGER NOT NULL,
            clock_lead_ms INTEGER NOT NULL
        );
        INSERT INTO watermarks VALUES (0, 0);

        """

    /// What it takes to take executions up again. `initial_state` has moved to `queued_states`, and is not written any more.
    private static let resuming = """
        ALTER TABLE executions ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE executions ADD COLUMN cancel_requested INTEGER;
        ALTER TABLE executions ADD COLUMN rerun_of TEXT;
        ALTER TABLE executions ADD COLUMN rerun_from TEXT;
        ALTER TABLE executions ADD COLUMN traceparent TEXT;
        ALTER TABLE executions ADD COLUMN initial_state TEXT;
        """

    /// `records` are whole records behind one another, `lengths` their lengths as varints.
    private static let events = """
        CREATE TABLE first_events(
            execution INTEGER PRIMARY KEY,
            last_seq INTEGER NOT NULL,
            lengths BLOB NOT NULL,
            records BLOB NOT NULL
        );
        CREATE TABLE later_events(
            execution INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL,
            lengths BLOB NOT NULL,
            records BLOB NOT NULL,
            PRIMARY KEY (execution, first_seq)
        );

        """

    /// The execution of a key may have been deleted since.
    private static let startKeys = """
        CREATE TABLE start_keys(
            scope TEXT NOT NULL,
            start_key TEXT NOT NULL,
            digest BLOB NOT NULL,
            execution INTEGER NOT NULL,
            execution_low INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (scope, start_key)
        ) WITHOUT ROWID;
        CREATE INDEX start_keys_by_time ON start_keys(created_at);

        """

    /// Events up to `dropped_through` are no longer kept. `deleted_executions` have no row any more, but events that are
    /// still to be removed.
    private static let retention = """
        ALTER TABLE executions ADD COLUMN dropped_through INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE deleted_executions(execution INTEGER PRIMARY KEY);
        """

    /// 1 for an execution that is cancelled when nobody has watched it for a while.
    private static let abandonment = """
        ALTER TABLE executions ADD COLUMN cancels_when_abandoned INTEGER;
        """

    /// As `lengths` and `records` of the events.
    private static let shortEvents = """
        ALTER TABLE executions ADD COLUMN lengths BLOB;
        ALTER TABLE executions ADD COLUMN records BLOB;

        """

    /// Blocks take the place of the indexes, and of `is_indexed`, which is not written any more.
    private static let blocks = """
        DROP INDEX executions_by_graph;
        DROP INDEX executions_by_status;
        CREATE TABLE execution_blocks(
            graph_key INTEGER NOT NULL,
            status INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (graph_key, status, first)
        ) WITHOUT ROWID;
        UPDATE watermarks SET indexed_through = 0;
        """

    /// Who started an execution, and how many deaths of the daemon in a row it has been through.
    private static let starters = """
        ALTER TABLE executions ADD COLUMN started_by TEXT;
        ALTER TABLE executions ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;

        """

    /// What an execution will start with, while it waits: later its first event holds it. Apart, because a list reads whole
    /// rows, and such a state may be megabytes.
    private static let queuedStates = """
        CREATE TABLE queued_states(
            execution INTEGER PRIMARY KEY,
            state TEXT NOT NULL
        );
        INSERT INTO queued_states SELECT id, initial_state FROM executions WHERE initial_state IS NOT NULL;
        UPDATE executions SET initial_state = NULL WHERE initial_state IS NOT NULL;

        """

    /// Graphs that run within nodes, by the node and the index of the item or iteration (-1 for none); `parent` and `scope` are
    /// numbers of scopes, 0 the execution itself. `status` is 0 while one is open. And which revisions were pinned by that.
    private static let scopes = """
        CREATE TABLE scopes(
            execution INTEGER NOT NULL,
            parent INTEGER NOT NULL,
            rank INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            scope INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            opened_at INTEGER NOT NULL,
            status INTEGER NOT NULL,
            last_seq INTEGER,
            duration INTEGER,
            error TEXT,
            PRIMARY KEY (execution, parent, rank, idx)
        ) WITHOUT ROWID;
        CREATE TABLE pinned_graphs(
            execution INTEGER NOT NULL,
            graph_key INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            PRIMARY KEY (execution, graph_key, revision)
        ) WITHOUT ROWID;
        CREATE INDEX pinned_graphs_by_graph ON pinned_graphs(graph_key, revision);
        """

    /// What an execution waits for (StoredWaits.swift); nil for most.
    private static let waits = """
        ALTER TABLE executions ADD COLUMN waits TEXT;
        """

    /// What graphs of LangGraph begin with next, by thread and node (`ThreadCheckpoint`); who has left it, and what an execution
    /// says of its own: `thread`, and a JSON object or null.
    private static let threads = """
        ALTER TABLE executions ADD COLUMN thread TEXT;
        ALTER TABLE executions ADD COLUMN config TEXT;
        CREATE TABLE graph_threads(
            graph_key INTEGER NOT NULL,
            thread TEXT NOT NULL,
            node TEXT NOT NULL,
            execution INTEGER NOT NULL,
            execution_low INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (graph_key, thread, node)
        );
        CREATE INDEX graph_threads_by_time ON graph_threads(updated_at);

        """

    /// By this a content is found that no revision names any more.
    private static let contentIndex = """
        CREATE INDEX graph_files_by_content ON graph_files(content_key);
        """

    /// `labels` is a JSON object of strings, or null for none.
    private static let labels = """
        ALTER TABLE executions ADD COLUMN labels TEXT;
        ALTER TABLE executions ADD COLUMN node_errors TEXT;

        """

    /// The YAML that a document was written in, comments and all.
    private static let graphTexts = """
        ALTER TABLE graph_revisions ADD COLUMN text BLOB;
        """

    /// The same content of a file, however many revisions name it, is kept once; `fingerprint` is only how it is found.
    private static let graphs = """
        CREATE TABLE graphs(
            graph_key INTEGER PRIMARY KEY,
            graph_id TEXT NOT NULL UNIQUE
        );
        CREATE TABLE graph_revisions(
            graph_key INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            is_deletion INTEGER NOT NULL,
            file_name TEXT,
            folder TEXT,
            document TEXT,
            PRIMARY KEY (graph_key, revision)
        );
        CREATE TABLE graph_files(
            graph_key INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            name TEXT NOT NULL,
            content_key INTEGER NOT NULL,
            PRIMARY KEY (graph_key, revision, name)
        ) WITHOUT ROWID;
        CREATE TABLE file_contents(
            content_key INTEGER PRIMARY KEY,
            fingerprint INTEGER NOT NULL,
            content BLOB NOT NULL
        );
        CREATE INDEX file_contents_by_fingerprint ON file_contents(fingerprint);
        CREATE TABLE loaded_files(
            file_name TEXT PRIMARY KEY,
            fingerprint TEXT NOT NULL,
            graph_key INTEGER NOT NULL
        ) WITHOUT ROWID;
        """
}

extension ExecutionStatus {
    /// The numbers in the file, which never change their meaning.
    var storedCode: Int {
        switch self {
        case .queued: 0
        case .running: 1
        case .success: 2
        case .error: 3
        case .cancelled: 4
        case .failed: 5
        case .held: 6
        }
    }

    init?(storedCode: Int) {
        guard let status = Self.allCases.first(where: { $0.storedCode == storedCode }) else { return nil }
        self = status
    }
}
