"""The editor, as people use it: pointers, keys and forms."""

import json
import re

from playwright.sync_api import expect

THREE = {
    "id": "three", "name": "Three", "nodes": [
        {"id": "a", "kind": "set", "config": {"values": {"n": 1}}, "position": {"x": 80, "y": 80}},
        {"id": "b", "kind": "delay", "config": {"duration_ms": 10}, "position": {"x": 340, "y": 80}},
        {"id": "c", "kind": "lua", "config": {"code": "return {m = state.n + 1}"}, "position": {"x": 600, "y": 80}},
    ],
    "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}],
}


class Editor:
    def __init__(self, page, daemon):
        self.page = page
        self.daemon = daemon

    @classmethod
    def open(cls, daemon, new_page, graph_id=None, **options):
        address = f"{daemon.url}/#/new" if graph_id is None else f"{daemon.url}/#/graphs/{graph_id}/edit"
        editor = cls(new_page(address, **options), daemon)
        expect(editor.page.locator("editor-toolbar")).to_be_visible()
        return editor

    # Looking

    def node(self, id):
        return self.page.locator(f'g.edit-node[data-id="{id}"]')

    def edge(self, source, target):
        return self.page.locator(f'g.edit-edge[data-from="{source}"][data-to="{target}"]')

    @property
    def panel(self):
        return self.page.locator("editor-panel")

    def field(self, label, exact=False):
        return self.panel.get_by_label(label, exact=exact)

    @property
    def nodes(self):
        return self.page.locator("g.edit-node")

    @property
    def edges(self):
        return self.page.locator("g.edit-edge")

    def expect_state(self, text):
        expect(self.page.locator(".save-state")).to_contain_text(text)

    def expect_validity(self, text):
        expect(self.page.locator(".validity")).to_have_text(text)

    def stored(self, graph_id, **query):
        """The text of the document, without the number of its revision behind it."""
        reply = self.daemon.http.get(f"/api/graphs/{graph_id}", params=query)
        assert reply.status_code == 200, reply.text
        text, count = re.subn(r',"revision":\d+\}\Z', "}", reply.text)
        assert count == 1, reply.text
        return text

    # Doing

    def add(self, kind):
        """By the button and the palette."""
        self.page.get_by_role("button", name="Add node").click()
        self.page.locator("kind-palette").get_by_role("button", name=re.compile(f"^{kind} ")).click()

    def middle(self, locator):
        """Where its middle is once it rests: what was clicked before may still move the view, some frames later."""
        locator.evaluate("""async (element) => {
            const place = () => JSON.stringify(element.getBoundingClientRect());
            for (let last = place(), frames = 0; frames < 8; ) {
                await new Promise(requestAnimationFrame);
                const now = place();
                frames = now === last ? frames + 1 : 0;
                last = now;
            }
        }""")
        box = locator.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, begin, end):
        self.page.mouse.move(*begin)
        self.page.mouse.down()
        self.page.mouse.move(begin[0] + 8, begin[1] + 8)
        self.page.mouse.move(*end, steps=6)
        self.page.mouse.up()

    def connect(self, source, target):
        """By drawing an edge from the one's port to the other."""
        end = self.middle(self.node(target).locator(".node-box"))
        self.drag(self.middle(self.node(source).locator(".port-out .port-dot")), end)

    def click(self, id, modifiers=None):
        self.node(id).locator(".node-box").click(modifiers=modifiers)

    def click_edge(self, source, target):
        """In the middle of its line, which may be bent."""
        middle = self.edge(source, target).locator(".edge").evaluate("""(path) => {
            const { x, y } = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
            return [x, y];
        }""")
        self.page.mouse.click(*middle)

    def tab(self, name):
        self.page.get_by_role("tab", name=re.compile(name)).click()

    def more(self, item):
        self.page.get_by_role("button", name="More", exact=True).click()
        self.page.get_by_role("menuitem", name=item).click()

    def save(self):
        self.page.keyboard.press("Control+s")
        self.expect_state("Saved")

    def download(self, item):
        with self.page.expect_download() as download:
            self.more(item)
        return download.value.suggested_filename, download.value.path().read_text()


def text_of(document):
    return json.dumps(document, separators=(",", ":"))
