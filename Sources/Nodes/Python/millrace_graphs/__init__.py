"""Finds the graphs that Python files make, and writes them down as documents.

Runs in a process of its own, with the interpreter of the file's team:

    candidates.py     what a file's syntax tree says: whether it is worth running, which names are its own
    looking.py        runs a file and chooses the graph in it
    object_graphs.py  an object with nodes and edges, or a list of steps -> a document
    object_nodes.py   what a node of such an object is
    object_edges.py   what an edge of such an object is
    langgraphs.py     a graph of LangGraph -> a document and a drawing
    names.py          ids that documents can have
"""
