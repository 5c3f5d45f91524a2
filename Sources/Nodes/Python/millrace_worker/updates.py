"""What a call's result changes."""

from collections.abc import Mapping

from .errors import NodeError
from .json_text import encode, encode_loosely
from .values import fault, pointer_part


def update_bytes(call, result):
    """What a call's result changes, as a JSON object: the top-level keys that are not in the input, or not with the same
    value. 1, 1.0 and True are three values; so are two orders of the same keys."""
    always = call.always
    if result is None:
        result = call.state
        always = ()
    elif not isinstance(result, Mapping):
        raise NodeError("the node returned a value of type %s; it takes a mapping or None" % type(result).__name__)
    # Most results of a node that returns what is new share no key with the state, and need no second look at it.
    pristine = None
    members = []
    for key in result:
        if not isinstance(key, str):
            raise NodeError("the update has a key of type %s, %.100r; keys are strings" % (type(key).__name__, key))
        value = result[key]
        if key in call.keys and key not in always:
            if pristine is None:
                pristine = call.pristine()
            text = changed_text(key, value, pristine[key])
        else:
            text = json_text(key, value)
        if text is not None:
            members.append(encode(key) + ":" + text)
    try:
        return ("{" + ",".join(members) + "}").encode()
    except UnicodeEncodeError:
        raise NodeError(fault(dict(result), "")) from None


def changed_text(key, value, before):
    """The value as JSON; None if it is the one that was there before."""
    try:
        text = encode(value)
    except (TypeError, ValueError, RecursionError):
        # 1e400 in a state is infinite here, which is no fault of a node that leaves it alone.
        try:
            if encode_loosely(value) == encode_loosely(before):
                return None
        except (TypeError, ValueError, RecursionError):
            pass
        return json_text(key, value)
    return None if text == encode_loosely(before) else text


def json_text(key, value):
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError):
        raise NodeError(fault(value, "/" + pointer_part(key))) from None
