"""The description of the API, and what fits it."""

import json

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from daemon import ROOT

PATH = ROOT / "Sources" / "Server" / "openapi.json"
DESCRIPTION = json.loads(PATH.read_text())
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

_REGISTRY = Registry().with_resource("", Resource(DESCRIPTION, DRAFT202012))


def described():
    return {(path, method) for path, item in DESCRIPTION["paths"].items() for method in item if method in METHODS}


def operation(path, method):
    return DESCRIPTION["paths"][path][method]


def operations():
    """By operation id: the path and the method."""
    return {operation(path, method)["operationId"]: (path, method) for path, method in described()}


def target(reference):
    """What a reference within the description names."""
    assert reference.startswith("#/"), f"{reference} leads out of the description"
    found = DESCRIPTION
    for step in reference.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def resolved(part):
    while "$ref" in part:
        part = target(part["$ref"])
    return part


def objects(part=DESCRIPTION, place="#"):
    """Every object of the description, with where it stands; examples are not part of it."""
    if isinstance(part, dict):
        yield place, part
        for key, value in part.items():
            if key not in ("example", "examples"):
                yield from objects(value, f"{place}/{key}")
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from objects(value, f"{place}/{index}")


def fits(value, schema):
    return _validator(schema).is_valid(value)


def assert_fits(value, schema):
    _validator(schema).validate(value)


def _validator(schema):
    return Draft202012Validator(schema, registry=_REGISTRY, _resolver=_REGISTRY.resolver())


def assert_described(reply, path, method):
    """The status, the type and the body of an answer are among the described ones."""
    responses = operation(path, method)["responses"]
    assert str(reply.status_code) in responses, reply.text
    content = resolved(responses[str(reply.status_code)]).get("content", {})
    type = reply.headers.get("content-type", "").partition(";")[0]
    if not reply.content:
        assert not content or method == "head"
        return
    assert type in content, (type, list(content))
    if type in ("application/json", "application/problem+json"):
        assert_fits(reply.json(), content[type]["schema"])
