"""A page of the browser that remembers what went wrong in it, and what people see and hear of it."""

import re

# Roles that people act on: each must be called something.
ACTED_ON = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "slider", "spinbutton", "switch", "tab", "menuitem",
    "option", "treeitem", "listbox", "dialog", "alertdialog", "tree", "tablist", "navigation", "region",
}


class WatchedPage:
    """Forwards everything else to Playwright's page."""

    def __init__(self, page, shots):
        self.page = page
        self.shots = shots
        self.said = []
        self._allowed = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.said.append(("pageerror", str(error))))
        page.on("crash", lambda _: self.said.append(("crash", "the page has crashed")))

    def __getattr__(self, name):
        return getattr(self.page, name)

    def _heard(self, message):
        if message.type in ("error", "warning"):
            where = message.location.get("url", "") if message.location else ""
            self.said.append((message.type, f"{message.text} {where}".strip()))

    def open(self, url):
        """Goes there; again if the machine's network changed meanwhile, of which the browser makes errors of its own."""
        for _ in range(10):
            self.page.goto(url)
            if not any("ERR_NETWORK_CHANGED" in text for _, text in self.said):
                return
            self.said.clear()
            self.page.goto("about:blank")

    def allow(self, pattern):
        """What the browser may report in this test: it logs each answer of 400 and above as an error."""
        self._allowed.append(re.compile(pattern))

    @property
    def complaints(self):
        return [f"{kind}: {text}" for kind, text in self.said if not any(each.search(text) for each in self._allowed)]

    def shot(self, name):
        """A picture for people to look at; no test compares it."""
        self.shots.mkdir(parents=True, exist_ok=True)
        path = self.shots / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def told(self, name):
        """What a failure report shows."""
        try:
            picture = self.shot(f"failed-{re.sub(r'[^A-Za-z0-9]+', '-', name)}")
        except Exception as error:  # The page may be gone; the report is made all the same.
            picture = f"no picture: {error}"
        return "\n".join([f"{self.page.url}", str(picture), *(f"{kind}: {text}" for kind, text in self.said)])

    def accessibility(self):
        """The accessibility tree as Chromium hands it to a screen reader: (role, name, properties), in reading order."""
        session = self.page.context.new_cdp_session(self.page)
        try:
            nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        finally:
            session.detach()
        return [entry for entry in map(_entry, nodes) if entry]

    def check_accessibility(self):
        """Asserts what must hold on each view: one main landmark, a heading, and a name for whatever can be acted on."""
        tree = self.accessibility()
        roles = [role for role, _, _ in tree]
        nameless = [(role, properties) for role, name, properties in tree if role in ACTED_ON and not name.strip()]
        assert not nameless, f"without a name: {nameless}"
        assert roles.count("main") == 1, roles
        assert "heading" in roles, roles
        ids = self.page.evaluate("() => [...document.querySelectorAll('[id]')].map((element) => element.id)")
        assert len(ids) == len(set(ids)), sorted(id for id in ids if ids.count(id) > 1)
        return tree


def _entry(node):
    if node.get("ignored"):
        return None
    role = node.get("role", {}).get("value", "")
    properties = {each["name"]: each["value"].get("value") for each in node.get("properties", [])}
    return role, str(node.get("name", {}).get("value", "") or ""), properties
