"""Values of Python as JSON, and what cannot be."""


def pointer_part(key):
    return str(key).replace("~", "~0").replace("/", "~1")


def fault(value, place):
    """What in a value is no JSON, and where (RFC 6901)."""
    waiting = [(value, place, ())]
    while waiting:
        value, place, above = waiting.pop()
        if id(value) in above:
            return "the update is no JSON at %s: it holds itself" % place
        if isinstance(value, str):
            if not is_unicode(value):
                return "the update is no JSON at %s: a string with a lone surrogate" % place
        elif isinstance(value, float):
            if value != value or value in (float("inf"), float("-inf")):
                return "the update is no JSON at %s: the number is %r" % (place, value)
        elif isinstance(value, dict):
            for key in value:
                if key is not None and not isinstance(key, (str, int, float)):
                    return "the update is no JSON at %s: a key of type %s" % (place, type(key).__name__)
                if isinstance(key, str) and not is_unicode(key):
                    return "the update is no JSON at %s: a key with a lone surrogate" % place
            children = [(value[key], place + "/" + pointer_part(key), above + (id(value),)) for key in value]
            waiting.extend(reversed(children))
        elif isinstance(value, (list, tuple)):
            children = [(item, "%s/%d" % (place, index), above + (id(value),)) for index, item in enumerate(value)]
            waiting.extend(reversed(children))
        elif value is not None and not isinstance(value, (bool, int)):
            return "the update is no JSON at %s: a value of type %s" % (place, type(value).__name__)
    return "the update is no JSON"


def is_unicode(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
