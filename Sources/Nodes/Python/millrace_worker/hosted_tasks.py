"""What a graph of LangGraph does, as the daemon is told it: which tasks each step has, what they put out, how they end.

LangGraph says a task's start and end with its step, and after each step what the state is then and which tasks come next.
Namespaces are tuples of `node:task`, one for each graph around.
"""

from collections.abc import Mapping

from .errors import error_bytes
from .json_text import encode
from .values import LEVELS_MAX, ValueFault, json_text

ROOT = "__root__"  # as LangGraph calls a state that is no mapping


class Said:
    """Custom output, with the namespace of the task that it comes from."""

    __slots__ = ("namespace", "data")

    def __init__(self, namespace, data):
        self.namespace = namespace
        self.data = data


class HostedTasks:
    def __init__(self, call, replies, saver):
        self.call = call
        self.replies = replies
        self.saver = saver
        self.coming = {}  # namespace -> the ids of the tasks that its next step has
        self.begun = {}  # namespace -> what LangGraph said of tasks that are still to be told, with their step
        self.open = {}  # id of a task -> its namespace
        self.asked = set()  # the ids of interrupts that wait for an answer
        self.ended = {}  # namespace -> the end of its one task, until it is known what the state is then

    def take(self, namespace, mode, payload):
        if mode == "messages":
            self.take_message(*payload)
        elif mode == "custom":
            self.take_custom(namespace, payload)
        elif payload["type"] == "checkpoint":
            self.take_checkpoint(namespace, payload["payload"])
        elif payload["type"] == "task":
            self.take_start(namespace, payload["step"], payload["payload"])
        else:
            self.take_end(namespace, payload["payload"])

    def end(self):
        """Nothing follows: what waits is told."""
        for namespace in list(self.begun):
            self.tell_begun(namespace)
        for namespace in list(self.ended):
            self.tell_ended(namespace, {})

    def tell_kept(self, values):
        """The graph has come to its end, and its thread goes on from here."""
        kept = self.saver.take_space("")
        if kept is not None:
            self.send("kept", '"space":"","content":%s,"values":%s' % (encode(kept), self.object(values)))

    # Steps

    def take_checkpoint(self, namespace, checkpoint):
        self.tell_begun(namespace)
        self.tell_ended(namespace, checkpoint["values"])
        self.coming[namespace] = {task["id"] for task in checkpoint["tasks"]}

    def take_start(self, namespace, step, task):
        waiting = self.begun.setdefault(namespace, (step, []))[1]
        waiting.append(task)
        if self.coming.get(namespace, set()) <= {task["id"] for task in waiting}:
            self.tell_begun(namespace)

    def tell_begun(self, namespace):
        step, tasks = self.begun.pop(namespace, (0, ()))
        if not tasks:
            return
        around = self.task_around(namespace)
        for task in tasks:
            self.open[task["id"]] = namespace
        self.send("step", '"around":%s,"index":%d%s,"tasks":[%s]' % (
            "null" if around is None else encode(around), max(step, 0), self.kept_space("|".join(namespace)),
            ",".join('{"id":%s,"name":%s,"input":%s}' % (
                encode(task["id"]), encode(task["name"]), self.object(task["input"])) for task in tasks)))

    # Ends of tasks

    def take_end(self, namespace, task):
        self.tell_begun(namespace)
        if task["id"] not in self.open:
            return
        if task["interrupts"]:
            self.tell_asked(task["id"], task["interrupts"][0])
            return
        if task["error"] is not None:
            self.tell_error(task["id"], task["error"])
            return
        update = dict(map(_folded, task["result"].items()))
        # What the state is behind a step of one task, the next checkpoint says.
        if self.coming.get(namespace) == {task["id"]}:
            self.ended[namespace] = (task["id"], update)
        else:
            self.tell_update(task["id"], update, {})

    def tell_ended(self, namespace, values):
        id, update = self.ended.pop(namespace, (None, None))
        if id is not None:
            self.tell_update(id, update, values)

    def tell_update(self, id, update, values):
        self.open.pop(id, None)
        texts = self.members(update)
        after = self.members({key: values[key] for key in update if key in values}) if isinstance(values, Mapping) else {}
        output = {key: text for key, text in after.items() if text != texts[key]}
        rest = ',"output":%s' % _object(output) if output else ""
        self.send("task", '"id":%s,"update":%s%s%s' % (encode(id), _object(texts), rest, self.kept_writes(id)))

    def tell_asked(self, id, interrupt):
        """A task waits for an answer. The task around a graph that waits says the same of itself."""
        if interrupt["id"] in self.asked:
            return
        self.asked.add(interrupt["id"])
        self.send("ask", '"id":%s,"prompt":%s,"schema":%s' % (
            encode(id), self.text(interrupt["value"]), encode(_schema(interrupt.get("response_schema")))))

    def tell_error(self, id, error):
        self.open.pop(id, None)
        body = error_bytes(error).decode()[1:-1] if isinstance(error, BaseException) else '"message":' + encode(str(error))
        self.send("task", '"id":%s,%s' % (encode(id), body))

    # What the daemon keeps for the next run

    def kept_space(self, space):
        kept = self.saver.take_space(space)
        return ',"space":%s%s' % (encode(space), "" if kept is None else ',"kept":' + encode(kept))

    def kept_writes(self, task):
        writes = self.saver.take_writes(task)
        return "" if writes is None else ',"writes":' + encode(writes)

    # What tasks put out

    def take_message(self, message, metadata):
        if not type(message).__name__.endswith("Chunk"):
            return  # a whole message, that a node has returned
        text = _text(message.content)
        if text:
            self.put(self.task_in(metadata.get("langgraph_checkpoint_ns", "").split("|")), "chunk", text)

    def take_custom(self, namespace, said):
        if isinstance(said, Said):
            self.put(self.task_in(said.namespace.split("|")), "custom", said.data)
        else:
            self.put(self.speaker(namespace), "custom", said)

    def put(self, id, channel, data):
        try:
            text = self.text(data)
        except ValueFault as fault:
            self.replies.log("an output on %s is left out; it is no JSON %s" % (channel, fault))
            return
        task = "" if id is None else ',"task":' + encode(id)
        self.send("emit", '"channel":%s%s,"data":%s' % (encode(channel), task, text))

    def speaker(self, namespace):
        """The task that a word without a name comes from, as far as that is certain; else the one around it."""
        tasks = [id for id, place in self.open.items() if place == namespace]
        return tasks[0] if len(tasks) == 1 else self.task_around(namespace)

    def task_around(self, namespace):
        return self.task_in(namespace)

    def task_in(self, parts):
        """The innermost task of a namespace that is open."""
        for part in reversed(parts):
            id = part.rpartition(":")[2]
            if id in self.open:
                return id
        return None

    # Lines

    def object(self, value):
        """A state as an object, whatever class it has."""
        text = self.text(value)
        return text if text.startswith("{") else _object({ROOT: text})

    def members(self, values):
        return {str(key): self.text(value) for key, value in values.items()}

    def text(self, value):
        return json_text(value, "", LEVELS_MAX - 4, self.call.notes)

    def send(self, name, rest):
        self.replies.send('{"%s":%d,%s}\n' % (name, self.call.number, rest))


def _object(members):
    return "{%s}" % ",".join("%s:%s" % (encode(key), text) for key, text in members.items())


def _schema(response):
    """Of the answer to an interrupt: a JSON Schema, or a class that has one."""
    if response is None or isinstance(response, dict):
        return response
    from pydantic import TypeAdapter

    return TypeAdapter(response).json_schema()


def _folded(item):
    """Of several writes to one key, the last."""
    key, value = item
    if isinstance(value, dict) and list(value) == ["$writes"] and isinstance(value["$writes"], list):
        return key, value["$writes"][-1]
    return item


def _text(content):
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") if isinstance(block, dict) else str(block) for block in content)
