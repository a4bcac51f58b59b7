# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, where there is one: it loads, shows something and complains of nothing."""
import shutil
import socket
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip("rerun", reason="rerun-sdk is not installed: `make view` brings it")

from modot_ros.view.page import HOST, Page, free_port  # noqa: E402

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SOFTWARE_GL = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
# The viewer asks its makers for news, which would be errors without network.
NO_NEWS = f"""const fetched = window.fetch; window.fetch = (what, ...rest) => {{
    const url = String(what.url || what);
    return url.startsWith("http://{HOST}") || !url.startsWith("http") ? fetched(what, ...rest)
        : Promise.resolve(new Response(null, {{status: 204}}));
}};"""
PATIENCE_MS = 90_000                                    # of a loaded machine that draws without a GPU


def test_a_page_in_a_browser_shows_a_frame_and_no_errors(make_frame):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: `make view` brings it")
    if BROWSER is None:
        pytest.skip("no Chromium here: apt install chromium")
    said, colours = [], 0
    with Page() as page, playwright.sync_playwright() as driver:
        page.show(make_frame({"latency ms": 40.0}))
        browser = driver.chromium.launch(executable_path=BROWSER, args=SOFTWARE_GL)
        tab = browser.new_page(viewport={"width": 800, "height": 500})
        tab.set_default_timeout(PATIENCE_MS)
        tab.on("console", lambda message: said.append(message.text) if message.type == "error"
               and message.location["url"].startswith(f"http://{HOST}") else None)
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.add_init_script(NO_NEWS)
        try:
            tab.goto(page.url)
            tab.wait_for_selector("canvas")
            for _ in range(60):                         # dots that wait have few colours, a picture of noise has many
                tab.wait_for_timeout(1000)
                shot = cv2.imdecode(np.frombuffer(tab.screenshot(), np.uint8), cv2.IMREAD_COLOR)
                colours = len(np.unique(shot.reshape(-1, 3), axis=0))
                if colours > 2000:
                    break
        except playwright.TimeoutError as error:
            assert not said
            pytest.skip(f"this machine is too busy to draw without a GPU: {str(error).splitlines()[0]}")
        finally:
            browser.close()
    assert not said
    assert colours > 2000


def test_the_server_listens_on_this_machine_alone_and_ends_with_the_page(make_frame):
    with Page() as page:
        page.show(make_frame())
        port = int(page.url.split(":")[2].split("/")[0])
        with socket.socket() as probe:
            assert probe.connect_ex((HOST, port)) == 0
        own = next((address for *_, (address, _) in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
                    if not address.startswith("127.")), None)
        if own is not None:
            with socket.socket() as probe:
                assert probe.connect_ex((own, port)) != 0
    with socket.socket() as probe:
        assert probe.connect_ex((HOST, port)) != 0


def test_a_port_in_use_and_a_server_that_has_ended_are_named(make_frame):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        with pytest.raises(OSError, match=str(taken.getsockname()[1])):
            Page(taken.getsockname()[1])
    with Page(free_port()) as page:
        page._server.kill()
        page._server.wait()
        with pytest.raises(OSError, match="ended with code -9"):
            page.show(make_frame())


def test_files_alone_and_neither(make_frame, tmp_path):
    with Page(save=tmp_path / "new" / "a.rrd", serve=False) as page:
        page.show(make_frame())
        assert page.url == ""
    with pytest.raises(ValueError, match="path to save"):
        Page(serve=False)
    with pytest.raises(OSError, match="can't be written"):
        Page(save=tmp_path / "new" / "a.rrd" / "b.rrd", serve=False)


def test_without_rerun_it_is_said_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(ModuleNotFoundError, match="pip install rerun-sdk"):
        Page(save=tmp_path / "a.rrd")
