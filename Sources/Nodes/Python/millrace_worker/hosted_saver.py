"""The checkpoints of one run of a graph of LangGraph: kept here while it runs, and told to the daemon with what they belong to,
so that a run that is broken off goes on behind its last step. Imported only where LangGraph is.

A space is what LangGraph calls a checkpoint namespace: the graph, or one that runs within a task. Of a space the daemon keeps the
latest checkpoint, and what tasks have written since then.
"""

import base64

from langgraph.checkpoint.base import WRITES_IDX_MAP
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.types import RESUME


class HostedSaver(InMemorySaver):
    def __init__(self, thread):
        super().__init__()
        self.thread = thread
        self.fresh = {}  # space -> what of its checkpoint the daemon does not know yet
        self.fresh_writes = {}  # task -> the same of what it has written

    # What LangGraph says

    def put(self, config, checkpoint, metadata, new_versions):
        written = super().put(config, checkpoint, metadata, new_versions)
        configurable = written["configurable"]
        thread, space, id = configurable["thread_id"], configurable["checkpoint_ns"], configurable["checkpoint_id"]
        if thread == self.thread:
            known = self.fresh.setdefault(space, {"channels": {}})
            entry, described, _ = self.storage[thread][space][id]
            known["head"] = {"id": id, "checkpoint": _text(entry), "metadata": _text(described)}
            for channel, version in new_versions.items():
                known["channels"][channel] = [version, *_text(self.blobs[thread, space, channel, version])]
        return written

    def put_writes(self, config, writes, task_id, task_path=""):
        super().put_writes(config, writes, task_id, task_path)
        configurable = config["configurable"]
        if configurable["thread_id"] == self.thread:
            key = (self.thread, configurable.get("checkpoint_ns", ""), configurable["checkpoint_id"])
            self.fresh_writes[task_id] = [
                [index, channel, *_text(typed), path]
                for (task, index), (_, channel, typed, path) in self.writes[key].items() if task == task_id]

    # What the daemon is told

    def take_space(self, space):
        """What the daemon is to keep of a space from now on, or None."""
        return self.fresh.pop(space, None)

    def take_writes(self, task):
        return self.fresh_writes.pop(task, None)

    # What an earlier run has left

    def load(self, kept):
        for space, content in kept["spaces"].items():
            head = content["head"]
            id = head["id"]
            self.storage[self.thread][space][id] = (_bytes(head["checkpoint"]), _bytes(head["metadata"]), None)
            for channel, (version, *typed) in content["channels"].items():
                self.blobs[self.thread, space, channel, version] = _bytes(typed)
            if space == "" and kept.get("begins"):
                # What comes of this run is whole by itself.
                self.fresh[space] = {"channels": dict(content["channels"])}
            for task, writes in content.get("writes", {}).items():
                for index, channel, kind, text, path in writes:
                    self.writes[self.thread, space, id][task, index] = (task, channel, _bytes((kind, text)), path)
        for task, answered in kept.get("answers", {}).items():
            self.answer(task, answered["space"], answered["values"])

    def answer(self, task, space, values):
        """What a task that has asked is to be given, in order."""
        checkpoints = self.storage[self.thread][space]
        if checkpoints:
            written = (task, RESUME, self.serde.dumps_typed(values), "")
            self.writes[self.thread, space, max(checkpoints)][task, WRITES_IDX_MAP[RESUME]] = written


def _text(typed):
    kind, data = typed
    return kind, base64.b64encode(data).decode()


def _bytes(text):
    kind, data = text
    return kind, base64.b64decode(data)
