"""Nodes of the graph agents: simulated speakers that stream their words. No model is asked."""

import asyncio

import millrace

FINDINGS = {
    "latency": "The first word arrives while the last is still unknown, so waiting turns into reading.",
    "trust": "Whoever sees each step can tell work from a hang, and stops a wrong turn early.",
    "recovery": "A numbered event can be asked for again, so a lost connection costs nothing but a moment.",
}


async def speak(text, state):
    """Emits a text word by word at the pace that the state asks for, and returns how many words that were."""
    words = text.split()
    for word in words:
        millrace.emit(word + " ")
        await asyncio.sleep(1 / state["tokens_per_second"])
    return len(words)


async def plan(state):
    topics = sorted(FINDINGS)
    text = f"To answer “{state['question']}” I look at {', '.join(topics[:-1])} and {topics[-1]}, all at once."
    return {"topics": topics, "tokens": await speak(text, state)}


async def research(topic, state):
    millrace.log(f"researching {topic}")
    count = await speak(FINDINGS[topic], state)
    return {"tokens": count, "notes": [{"topic": topic, "finding": FINDINGS[topic]}]}


async def research_latency(state):
    return await research("latency", state)


async def research_trust(state):
    return await research("trust", state)


async def research_recovery(state):
    return await research("recovery", state)


async def write(state):
    sentences = [note["finding"] for note in state["notes"]]
    answer = " ".join(sentences) + f" That is what {len(sentences)} researchers found."
    return {"answer": answer, "tokens": await speak(answer, state)}
