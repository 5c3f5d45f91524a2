"""The description of the API for people: all of it, in a page that needs nothing from elsewhere."""

import re
from html.parser import HTMLParser

import pytest

from description import DESCRIPTION, operation, operations


class Page(HTMLParser):
    """Well-formed, with its ids, its links, and its text."""

    VOID = {"meta", "link"}

    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.tags, self.text, self._open = [], [], set(), "", []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def reply(daemon):
    return daemon.http.get("/docs")


def test_it_shows_every_operation_and_schema(reply):
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Page(reply.text)
    assert len(page.ids) == len(set(page.ids))
    for id, (path, method) in operations().items():
        assert id in page.ids
        assert f"{method.upper()} {path}" in page.text
        assert operation(path, method)["summary"].replace("`", "") in page.text
    assert {f"schema-{name}" for name in DESCRIPTION["components"]["schemas"]} <= set(page.ids)
    for said in ("Needs a token of scope run", "Idempotency-Key", '"execution_id": "0198c2f0', "unknown_graph"):
        assert said in page.text


def test_it_needs_nothing_from_elsewhere_and_no_script(reply, daemon):
    page = Page(reply.text)
    assert "script" not in page.tags and "style" not in page.tags
    assert reply.headers["content-security-policy"] == daemon.http.get("/").headers["content-security-policy"]
    within = [link.removeprefix("#") for link in page.links if link.startswith("#")]
    assert len(within) > 100 and set(within) <= set(page.ids)
    for link in {link for link in page.links if not link.startswith("#")}:
        assert not re.match(r"\w+:|//", link)
        assert daemon.http.get(f"/{link.removeprefix('./')}").status_code == 200


def test_the_console_links_it(daemon):
    assert 'href="docs"' in daemon.http.get("/").text
