"""A graph of LangGraph with a cycle: a writer drafts, a critic sends the draft back until it is short enough. No model is asked.

It runs by itself as well: python draft-review.py
"""

import operator
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    topic: str
    words_max: int
    draft: str
    remarks: Annotated[list, operator.add]


SENTENCE = "{topic} is a matter that, when all is said and done, and seen from every side, deserves a second look"


def write(state):
    """The first draft, and then each time a shorter one."""
    words = (state.get("draft") or SENTENCE.format(topic=state["topic"])).split()
    return {"draft": " ".join(words if not state["remarks"] else words[: max(state["words_max"], len(words) * 2 // 3)])}


def review(state):
    count = len(state["draft"].split())
    return {"remarks": ["%d words: %s" % (count, "too long" if count > state["words_max"] else "good")]}


def next_step(state):
    return END if state["remarks"][-1].endswith("good") else "write"


builder = StateGraph(State)
builder.add_node(write)
builder.add_node(review)
builder.add_edge(START, "write")
builder.add_edge("write", "review")
builder.add_conditional_edges("review", next_step, ["write", END])
graph = builder.compile()

if __name__ == "__main__":
    print(graph.invoke({"topic": "A stream", "words_max": 8, "remarks": []}))
