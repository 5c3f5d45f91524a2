"""JSON as the worker reads and writes it: compact, in UTF-8, only numbers that JSON knows.

These are references of the worker's own: a node that replaces `json.loads` does so for itself.
"""

import json

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
encode_loosely = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
decode = json.JSONDecoder().decode
