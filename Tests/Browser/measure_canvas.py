"""Prints what the canvas costs: measure_canvas.py http://127.0.0.1:8080 GRAPH. No test; judge by CPU per frame on a busy machine."""

import os
import pathlib
import sys

from playwright.sync_api import sync_playwright

FRAMES = 120
FIRST_PAINT = """addEventListener("DOMContentLoaded", () => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => { window.firstPaint = performance.now(); };
    const look = () => requestAnimationFrame(document.querySelector("g.node") ? () => painted.port2.postMessage(0) : look);
    look();
});"""
ZOOM_TO = """(wanted) => {
    const canvas = document.querySelector(".canvas"), { left, top, width, height } = canvas.getBoundingClientRect();
    const scale = canvas.querySelector("svg > g").getScreenCTM().a;
    canvas.dispatchEvent(new WheelEvent("wheel", { clientX: left + width / 2, clientY: top + height / 2, cancelable: true, deltaY: -Math.log(wanted / scale) / 0.0015 }));
}"""
MOVE = """async ([kind, count]) => {
    const canvas = document.querySelector(".canvas"), { left, top, width, height } = canvas.getBoundingClientRect();
    const at = { clientX: left + width / 2, clientY: top + height / 2, cancelable: true }, begin = performance.now();
    for (let frame = 0; frame < count; frame += 1) {
        const way = Math.floor(frame / 30) % 2 ? 1 : -1;
        canvas.dispatchEvent(new WheelEvent("wheel", kind === "pan" ? { ...at, deltaX: way * 9, shiftKey: true } : { ...at, deltaY: way * 12 }));
        await new Promise(requestAnimationFrame);
    }
    return (performance.now() - begin) / 1000;
}"""


def cpu_milliseconds():
    """CPU time of all processes that this one has started, directly or not (proc(5), stat: ppid, utime, stime)."""
    parents, used = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[path.parent.name], used[path.parent.name] = fields[1], int(fields[11]) + int(fields[12])

    def is_mine(process):
        while process in parents and process != str(os.getpid()):
            process = parents[process]
        return process == str(os.getpid())

    return sum(ticks for process, ticks in used.items() if is_mine(process)) * 1000 / os.sysconf("SC_CLK_TCK")


def main(url, graph):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"])
        for view, path in (("run", ""), ("edit", "/edit")):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.add_init_script(FIRST_PAINT)
            page.goto(f"{url}/#/graphs/{graph}{path}")
            page.wait_for_function("() => window.firstPaint")
            print(f"{view}: first paint after {page.evaluate('window.firstPaint'):.0f} ms")
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")

            def main_thread():
                return next(each["value"] for each in session.send("Performance.getMetrics")["metrics"] if each["name"] == "TaskDuration") * 1000

            for scale in (None, 0.5, 1.0):
                if scale:
                    page.evaluate(ZOOM_TO, scale)
                page.wait_for_timeout(1000)
                for kind in ("pan", "zoom"):
                    cpu, busy = cpu_milliseconds(), main_thread()
                    seconds = page.evaluate(MOVE, [kind, FRAMES])
                    cpu, busy = (cpu_milliseconds() - cpu) / FRAMES, (main_thread() - busy) / FRAMES
                    print(f"{view}, {f'scale {scale}' if scale else 'the whole graph'}, {kind}: {FRAMES / seconds:.0f} frames/s, "
                          f"per frame {busy:.1f} ms of the main thread, {cpu:.1f} ms CPU of the browser")
                    page.wait_for_timeout(500)
            page.close()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
