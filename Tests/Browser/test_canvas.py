"""A large graph on the canvas: what moving about costs, counted in what is touched, never in time."""

import pytest
from playwright.sync_api import expect

from editor import text_of

NODES = 1000


def thousand():
    """A thousand nodes in 25 layers, each node after one or two of the layer before."""
    nodes, edges = [], []
    for number in range(NODES):
        layer, place = divmod(number, 40)
        nodes.append({"id": f"n{number}", "name": f"Step {number}", "kind": "set", "config": {"values": {"n": number}},
                      "position": {"x": layer * 280, "y": place * 110}})
        for source in {(layer - 1) * 40 + place, (layer - 1) * 40 + (place * 7 + 3) % 40} if layer else ():
            edges.append({"from": f"n{source}", "to": f"n{number}"})
    return {"id": "thousand", "nodes": nodes, "edges": edges}


@pytest.fixture(params=["run", "edit"])
def page(request, new_daemon, new_page):
    daemon = new_daemon(graphs={"thousand.json": text_of(thousand())})
    page = new_page(f"{daemon.url}/#/graphs/thousand{'/edit' if request.param == 'edit' else ''}")
    expect(page.locator("g.node")).to_have_count(NODES)
    return page


def settled(page):
    """Waits until nothing on the canvas has changed for longer than a view takes to come to rest."""
    page.evaluate("""async () => {
        const canvas = document.querySelector(".canvas");
        const place = () => JSON.stringify(canvas.querySelector("svg > g").getScreenCTM());
        for (let last = place(), frames = 0; frames < 30; ) {
            await new Promise(requestAnimationFrame);
            frames = place() === last ? frames + 1 : 0;
            last = place();
        }
    }""")


def zoom_in(page):
    """To where texts can be read."""
    for _ in range(12):
        page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("g.node .node-name").first).to_be_attached()
    settled(page)


def touched(page, act):
    """How many attributes, texts and elements change in the drawing while something is done."""
    page.evaluate("""() => {
        window.touched = 0;
        window.watching = new MutationObserver((changes) => { window.touched += changes.length; });
        window.watching.observe(document.querySelector(".canvas"), { subtree: true, attributes: true, childList: true, characterData: true });
    }""")
    act()
    return page.evaluate("() => { window.touched += window.watching.takeRecords().length; window.watching.disconnect(); return window.touched; }")


def where(page):
    return page.evaluate("() => { const { a, e, f } = document.querySelector('.canvas svg > g').getScreenCTM(); return [a, e, f]; }")


def free_place(page):
    """A point of the canvas where there is no node and no edge."""
    return page.evaluate("""() => {
        const { left, top, width, height } = document.querySelector(".canvas").getBoundingClientRect();
        for (let y = top + height / 3; y < top + height; y += 3) {
            for (let x = left + width / 3; x < left + width; x += 3) {
                const under = document.elementFromPoint(x, y);
                if (under?.closest(".canvas") && !under.closest("g.node, g.edit-edge")) return [x, y];
            }
        }
    }""")


def test_dragging_the_view_touches_nothing_that_is_drawn(page):
    for close_by in (zoom_in, None):
        if close_by:
            close_by(page)
        else:
            page.get_by_role("button", name="Show the whole graph").click()
            settled(page)
        scale, x, y = where(page)
        begin = free_place(page)

        def drag():
            page.mouse.move(*begin)
            page.mouse.down()
            page.mouse.move(begin[0] - 120, begin[1] + 40, steps=12)
            page.mouse.up()
            settled(page)

        assert touched(page, drag) == 0
        # By as much as the pointer moved, give or take what a browser rounds; and as it was painted.
        assert where(page) == pytest.approx([scale, x - 120, y + 40], abs=1.5)
        page.shot("moved" if close_by else "moved-whole")


def test_zooming_paints_the_drawing_once_when_it_rests(page):
    zoom_in(page)
    scale, _, _ = where(page)
    transforms = """() => document.querySelector(".canvas svg > g").getAttribute("transform")"""
    painted = page.evaluate(transforms)
    page.evaluate("""() => {
        window.paintings = 0;
        new MutationObserver((changes) => { window.paintings += changes.length; })
            .observe(document.querySelector(".canvas svg > g"), { attributes: true, attributeFilter: ["transform"] });
    }""")
    page.evaluate("""async () => {
        const canvas = document.querySelector(".canvas"), { left, top, width, height } = canvas.getBoundingClientRect();
        const at = { clientX: left + width / 2, clientY: top + height / 2, bubbles: true, cancelable: true };
        for (let turn = 0; turn < 8; turn += 1) {
            canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: -40 }));
            await new Promise(requestAnimationFrame);
        }
    }""")
    page.wait_for_function("(painted) => document.querySelector('.canvas svg > g').getAttribute('transform') !== painted", arg=painted)
    settled(page)
    # A machine that is held up for long in between may let the view rest once more.
    assert 1 <= page.evaluate("() => window.paintings") <= 3
    assert where(page)[0] == pytest.approx(scale * 1.616, rel=0.01)
    # At rest the layer is not stretched: what is seen is sharp.
    assert page.evaluate("() => getComputedStyle(document.querySelector('.canvas-layer')).transform") in ("none", "matrix(1, 0, 0, 1, 0, 0)")


def test_the_page_holds_only_what_can_be_made_out(page):
    count = "(what) => document.querySelectorAll(`.canvas ${what}`).length"
    # From afar, of a node its box and what it is called.
    assert page.evaluate(count, "text") == 0
    assert page.evaluate(count, "g.node *") <= NODES * 4
    zoom_in(page)
    texts = page.evaluate(count, "text")
    assert 0 < texts < 700, texts
    # A transform or an opacity within the drawing makes a part of its own that the browser handles with each move.
    apart = page.evaluate("""() => [...document.querySelectorAll(".canvas svg > g *")].filter((each) => {
        const { transform, opacity } = getComputedStyle(each);
        return transform !== "none" || opacity !== "1";
    }).length""")
    assert apart == 0


def test_nodes_come_into_the_page_as_the_view_reaches_them(page):
    zoom_in(page)
    in_sight = """() => {
        const view = document.querySelector(".canvas").getBoundingClientRect();
        const seen = [...document.querySelectorAll(".canvas g.node")].filter((node) => {
            const { left, right, top, bottom } = node.getBoundingClientRect();
            return right > view.left && left < view.right && bottom > view.top && top < view.bottom;
        });
        return [seen.length, seen.filter((node) => !node.querySelector(".node-name")).length];
    }"""
    for _ in range(4):
        begin = free_place(page)
        page.mouse.move(*begin)
        page.mouse.down()
        page.mouse.move(begin[0] - 300, begin[1] - 120, steps=6)
        page.mouse.up()
        settled(page)
        seen, nameless = page.evaluate(in_sight)
        assert seen > 4 and nameless == 0, (seen, nameless)
