"""JSON as the worker writes it: compact, in UTF-8, numbers that JSON knows."""

import json

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
encode_loosely = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
