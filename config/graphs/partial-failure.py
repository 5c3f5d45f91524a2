"""Nodes of the graph partial-failure: some fail on purpose, in ways that failures really have."""

import json
import time

import millrace

# How long the warehouse takes to wake up after it was asked.
WAREHOUSE_WAKES_AFTER_S = 1.6

SUPPLIER_REPLY = '{"articles": [{"name": "bicycle bell", "lead_days": 4}]}'


def request(state):
    time.sleep(0.3)
    return {"asked_at": time.time()}


def catalogue(state):
    time.sleep(0.8)
    return {"unit_price": 14.9, "price": round(14.9 * state["quantity"], 2)}


def warehouse(state):
    """Answers once it is awake, so that the first attempts fail and a later one succeeds."""
    awake_in = state["asked_at"] + WAREHOUSE_WAKES_AFTER_S - time.time()
    if awake_in > 0:
        raise ConnectionError(f"the warehouse is asleep for another {awake_in:.1f} s")
    return {"in_stock": 40}


def supplier(state):
    """Looks for an article that the supplier does not have. The traceback names the line."""
    millrace.log("the supplier replied with", len(SUPPLIER_REPLY), "bytes")
    time.sleep(0.6)
    articles = {article["name"]: article for article in json.loads(SUPPLIER_REPLY)["articles"]}
    return {"lead_days": articles[state["article"]]["lead_days"]}


def delivery(state):
    return {"delivery_days": state["lead_days"] + 2}


def discount(state):
    time.sleep(0.4)
    raise RuntimeError("the discount service is closed for stocktaking")


def offer(state):
    """Makes do with what arrived."""
    lines = [f"{state['quantity']} x {state['article']}: {state['price']:.2f}"]
    lines.append(f"discount: {state['discount']}%" if "discount" in state else "discount: none, the service did not answer")
    days = state.get("delivery_days")
    lines.append(f"delivery in {days} days" if days else f"{state['in_stock']} in stock, delivery date unknown")
    for line in lines:
        millrace.emit(line)
        time.sleep(0.3)
    return {"offer": lines}
