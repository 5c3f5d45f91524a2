"""Nodes of the graph text-stats: counting in texts, with the standard library alone."""

import pathlib
import re
import time
from collections import Counter

import millrace

STOP_WORDS = frozenset(
    """a about all an and are as at be been but by can for from had has have he her his i if in into is it its more no
    not of on one or out she so than that the their them then there they this to up was we were what when which who will
    with you your""".split()
)

PLEASANT = frozenset("bright calm clear friendly fresh gentle glad good happy laughed light quiet slow song sweet warm".split())
UNPLEASANT = frozenset("afraid alone angry bitter broke broken cold dark failed grey hard late lost noise storm tired wrong".split())


def each(documents, state, what):
    """The documents one by one, with progress told and the pace kept."""
    for number, document in enumerate(documents, 1):
        yield document
        millrace.emit({"what": what, "text": document["name"], "done": number, "of": len(documents)})
        time.sleep(state["pace_ms"] / 1000)


def gather(state):
    # Nodes run in the folder of the graph document.
    paths = sorted(pathlib.Path(state["texts"]).glob("*.txt"))
    if not paths:
        raise FileNotFoundError(f"no .txt file in the folder {state['texts']}")
    millrace.log(f"found {len(paths)} texts")
    found = [{"name": path.stem, "text": path.read_text(encoding="utf-8")} for path in paths]
    return {"sources": list(each(found, state, "read"))}


def tokenize(state):
    documents = []
    for source in each(state["sources"], state, "split"):
        sentences = [s for s in re.split(r"(?<=[.!?])\s+", source["text"].strip()) if s]
        words = re.findall(r"[a-z]+(?:'[a-z]+)?", source["text"].lower())
        documents.append({"name": source["name"], "sentences": len(sentences), "words": words})
    return {"documents": documents, "total_words": sum(len(d["words"]) for d in documents)}


def frequency(state):
    counts = Counter()
    for document in each(state["documents"], state, "counted"):
        counts.update(word for word in document["words"] if word not in STOP_WORDS and len(word) > 2)
    return {"frequent_words": counts.most_common(8), "distinct_words": len(counts)}


def phrases(state):
    counts = Counter()
    for document in each(state["documents"], state, "paired"):
        words = document["words"]
        counts.update(" ".join(pair) for pair in zip(words, words[1:]) if not STOP_WORDS.intersection(pair))
    return {"frequent_phrases": [pair for pair in counts.most_common(5) if pair[1] > 1]}


def syllables(word):
    """Groups of vowels, without a silent e: a rule of thumb that is good enough for averages."""
    groups = len(re.findall(r"[aeiouy]+", word))
    return max(1, groups - (word.endswith("e") and not word.endswith("le") and groups > 1))


def readability(state):
    """Flesch reading ease: 100 is easy, 30 is hard."""
    scores = {}
    for document in each(state["documents"], state, "rated"):
        words = document["words"]
        per_sentence = len(words) / document["sentences"]
        per_word = sum(map(syllables, words)) / len(words)
        scores[document["name"]] = round(206.835 - 1.015 * per_sentence - 84.6 * per_word, 1)
    return {"reading_ease": scores}


def mood(state):
    """Pleasant minus unpleasant words of a small list, per hundred words."""
    moods = {}
    for document in each(state["documents"], state, "felt"):
        words = document["words"]
        balance = sum(word in PLEASANT for word in words) - sum(word in UNPLEASANT for word in words)
        moods[document["name"]] = round(100 * balance / len(words), 1)
    return {"mood": moods}


def report(state):
    easiest = max(state["reading_ease"], key=state["reading_ease"].get)
    brightest, darkest = max(state["mood"], key=state["mood"].get), min(state["mood"], key=state["mood"].get)
    lines = [
        f"{len(state['documents'])} texts, {state['total_words']} words, {state['distinct_words']} distinct ones that matter",
        "most frequent: " + ", ".join(f"{word} ({count})" for word, count in state["frequent_words"]),
        "repeated phrases: " + (", ".join(phrase for phrase, _ in state["frequent_phrases"]) or "none"),
        f"easiest to read: {easiest} ({state['reading_ease'][easiest]})",
        f"brightest: {brightest} ({state['mood'][brightest]:+}), darkest: {darkest} ({state['mood'][darkest]:+})",
    ]
    for line in lines:
        millrace.emit(line)
    return {"report": lines}
