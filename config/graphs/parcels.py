"""An object graph in plain Python: weighs parcels and chooses how each order is sent.

Nothing here knows of Millrace. The file lies in the graphs folder, so `graph` is the graph `parcels`:

    millrace run parcels --set weights='[3, 12]'
"""


class Weigh:
    def execute(self, state):
        print("weighing %d parcels" % len(state["weights"]))
        return {"kilograms": sum(state["weights"])}


class Send:
    def __init__(self, by, price):
        self.by, self.price = by, price

    def execute(self, state):
        return {"sent_by": self.by, "price": state["kilograms"] * self.price}


def is_heavy(state):
    return state["kilograms"] > 10


def is_light(state):
    return not is_heavy(state)


class Graph:
    name = "Parcels"
    description = "Chooses how an order is sent: objects with execute(state), edges with conditions, in plain Python."
    initial_state = {"weights": [2, 4]}
    nodes = {"weigh": Weigh(), "by_truck": Send("truck", 1.5), "by_bicycle": Send("bicycle", 3)}
    edges = [("weigh", "by_truck", is_heavy), ("weigh", "by_bicycle", is_light)]


graph = Graph()
