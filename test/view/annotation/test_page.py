# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser without a screen: draw, apply, undo, reload, two tabs, keyboard.

Skipped where there is no browser: `playwright install chromium`, or Debian's package chromium.
"""
import json
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")
uvicorn = pytest.importorskip("uvicorn")
server = pytest.importorskip("modot_ros.view.annotation.server")

from modot_ros.view.annotation.album import Album  # noqa: E402

PATIENCE_S = 30


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        own = driver.chromium.executable_path
        path = own if Path(own).exists() else next(filter(None, map(shutil.which, ("chromium", "chromium-browser",
                                                                                   "google-chrome"))), None)
        if path is None:
            pytest.skip("no browser: `playwright install chromium`, or the system's package chromium")
        try:
            launched = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"{path} does not start: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


@pytest.fixture
def address(folder, scribbler):
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(server.create_app(Album(folder, scribbler)), log_level="warning"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    running.should_exit = True
    thread.join(10)


@pytest.fixture
def context(browser):
    made = browser.new_context(viewport={"width": 1280, "height": 720})
    made.set_default_timeout(1000 * PATIENCE_S)
    yield made
    made.close()


def opened(context, address):
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and "409" not in message.text
            and page.faults.append(message.text))
    page.goto(address)
    until(page, "sheet && boundary && !busy")
    return page


def until(page, condition):
    """Wait for it. Playwright's own wait calls eval, which the page forbids."""
    deadline = time.monotonic() + PATIENCE_S
    while not page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < deadline, f"{condition}; status: {page.inner_text('#status')}; {page.faults}"
        page.wait_for_timeout(50)


def draw(page, start, end, button="left"):
    """A stroke between two points of the canvas, 0..1."""
    box = page.locator("#canvas").bounding_box()
    (x0, y0), (x1, y1) = ((box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in (start, end))
    page.mouse.move(x0, y0)
    page.mouse.down(button=button)
    page.mouse.move(x1, y1, steps=8)
    page.mouse.up(button=button)


def applied(page, revision):
    until(page, f"!busy && sheet.revision === {revision}")


def stored(folder, name):
    return json.loads((folder / f"{name}_strokes.json").read_text())


def test_strokes_are_drawn_applied_and_taken_back(context, address, folder):
    page = opened(context, address)
    assert "1 / 3" in page.inner_text("#place") and "a.jpg" in page.inner_text("#place")
    draw(page, (0.1, 0.2), (0.6, 0.8))
    draw(page, (0.3, 0.9), (0.7, 0.9), button="right")
    assert page.evaluate("drawn.map(stroke => stroke.kind)") == ["missing", "false"]
    page.click("#undo")
    assert page.evaluate("drawn.length") == 1
    page.click("#apply")
    applied(page, 1)
    stroke, = stored(folder, "a")["strokes"]
    assert stroke["kind"] == "missing" and stroke["radius_px"] == 12
    (u0, v0), (u1, v1) = stroke["points"][0], stroke["points"][-1]
    assert (u0, v0, u1, v1) == pytest.approx((15.5, 23.5, 95.5, 95.5), abs=0.6)          # of 160x120
    assert "1 of 3 done" in page.inner_text("#done") and "saved" in page.inner_text("#status")
    page.keyboard.press("Control+z")
    applied(page, 2)
    assert stored(folder, "a")["strokes"] == [] and page.faults == []


def test_a_reload_loses_neither_what_was_applied_nor_what_was_not(context, address):
    page = opened(context, address)
    draw(page, (0.1, 0.2), (0.6, 0.8))
    page.keyboard.press("Enter")
    applied(page, 1)
    draw(page, (0.2, 0.1), (0.8, 0.1))
    page.reload()
    until(page, "sheet && boundary && !busy")
    assert page.evaluate("[sheet.strokes.length, drawn.length]") == [1, 1]
    assert "not applied yet" in page.inner_text("#status")


def test_a_second_tab_is_told_and_overwrites_nothing(context, address, folder):
    first, second = opened(context, address), opened(context, address)
    draw(first, (0.1, 0.2), (0.6, 0.8))
    first.click("#apply")
    applied(first, 1)
    draw(second, (0.1, 0.9), (0.6, 0.9))
    second.click("#apply")
    until(second, "!busy && document.getElementById('status').className === 'bad'")
    assert "corrected in another page" in second.inner_text("#status")
    assert len(stored(folder, "a")["strokes"]) == 1 and first.faults == second.faults == []


def test_the_keyboard_alone_is_enough(context, address, folder):
    page = opened(context, address)
    for pressed in ("2", "]", "d", *["Shift+ArrowRight"] * 3, "ArrowDown", "d", "Enter"):
        page.keyboard.press(pressed)
    applied(page, 1)
    stroke, = stored(folder, "a")["strokes"]
    assert (stroke["kind"], stroke["radius_px"]) == ("false", 13)
    assert stroke["points"][0] == [80, 60] and stroke["points"][-1] == [110, 61]
    page.keyboard.press("n")
    until(page, "sheet && sheet.name === 'b.png' && boundary && !busy")
    page.keyboard.press("Enter")                        # accepted as it is
    applied(page, 1)
    assert stored(folder, "b")["strokes"] == [] and (folder / "b_boundary.png").exists()
    page.keyboard.press("p")
    until(page, "sheet && sheet.name === 'a.jpg'")
    assert page.faults == []


def test_the_threshold_shows_other_boundaries(context, address):
    page = opened(context, address)
    count = """() => { const one = document.createElement("canvas"); one.width = boundary.width; one.height = boundary.height;
        const pen = one.getContext("2d"); pen.drawImage(boundary, 0, 0);
        return pen.getImageData(0, 0, one.width, one.height).data.filter((x, k) => k % 4 === 3 && x).length; }"""
    found = []
    for threshold in (5, 95):
        page.evaluate(f"boundary = null; element('threshold').value = {threshold}; "
                      "element('threshold').dispatchEvent(new Event('input'))")
        until(page, "boundary")
        found.append(page.evaluate(count))
    assert found[0] > found[1] and page.faults == []
