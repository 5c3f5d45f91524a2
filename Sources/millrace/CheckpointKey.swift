import Config
import Sealing

/// The key of the state folder, of a daemon that runs graphs of LangGraph: without it nothing that they have left could be gone on
/// with.
func checkpointKey(_ configuration: Configuration) throws(StartError) -> StateKey? {
    guard configuration.kinds.enables("langgraph") else { return nil }
    do throws(StateKey.Failure) {
        return try StateKey.find(in: configuration.stateDirectory)
    } catch {
        throw StartError(error.description)
    }
}
