"""What is wrong with a file, in words for its author."""


class GraphFault(Exception):
    """The file makes no graph that can run here; `line` is the line of the file that says so, if one does."""

    def __init__(self, message, line=None):
        super().__init__(message)
        self.line = line
