import Linux

/// The lanes of a daemon. A lane is chosen by how long a job may take, so that what is quick never waits behind what is not.
package struct Lanes: Sendable {
    /// A document or a body of more bytes takes longer than others should wait for it.
    package static let largeBytes = 64 << 10

    /// Reads and orders of the store, small files: a few milliseconds each. An owner holds half of the threads at most, so that
    /// slow reads are not all that moves.
    package let store = BlockingLane(name: "store", threads: 4, jobsMax: 1024)
    /// Computing by steps of some milliseconds: what is read out of histories, small documents, bodies of starts. Some take
    /// longer (a final state of 16 MiB, a small document that is slow to compile), and an owner holds half of the threads.
    package let computing = BlockingLane(
        name: "computing", threads: 8, jobsMax: 1024, scheduling: .background(niceness: 5))
    /// Large documents, and graphs that are loaded anew: each may take seconds. Few, since each holds some hundred MiB in the
    /// worst case; what waits holds up to a body of 8 MiB.
    package let documents = BlockingLane(
        name: "documents", threads: 4, jobsMax: 64, scheduling: .background(niceness: 10))

    /// Executions that begin or go on with what the history has of them: a second each for those with a million records. Few
    /// at a time wait here, since all of them have a place.
    package let takingUp = BlockingLane(name: "taking-up", threads: 1, jobsMax: 1024)

    /// Names that are looked up: a server of names that does not answer holds a thread for half a minute, so a name holds
    /// half of them at most, and there are more than for reads.
    package let names = BlockingLane(name: "names", threads: 8, jobsMax: 4096)

    package init() {}

    package var all: [BlockingLane] { [store, computing, documents, takingUp, names] }

    package func start() throws(SystemError) {
        for lane in all { try lane.start() }
    }

    /// After this nothing runs on them any more; jobs that wait are let go of.
    package func stop() {
        for lane in all { lane.stop() }
    }

    /// Where a document of so many bytes is read and compiled.
    package func compiling(bytes: Int) -> BlockingLane { bytes > Self.largeBytes ? documents : computing }
}
