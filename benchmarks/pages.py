# SPDX-License-Identifier: Apache-2.0
"""How long a person waits for the two pages: `modot annotate` and `modot view`, in headless Chromium without a GPU.

    python benchmarks/pages.py PICTURE [--runs 3]

Seconds from the start of the command until it prints its address, and from opening that until the page is of use: `annotate` has
picture and boundaries and takes strokes, `view` has drawn the picture (its window shows thousands of colours). The viewer's
drawing without a GPU is far slower than on a desktop. Needs chromium, and `make view`.
"""
from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

GL = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
LIMIT_S, COLOURS = 180.0, 5000
COMMANDS = {"modot annotate": ("annotate", "--no-browser", "--port", "0"), "modot view": ("view", "--port", "0")}


def takes_strokes(page: Page) -> bool:
    return page.evaluate("typeof sheet != 'undefined' && Boolean(sheet && boundary && !busy)")


def shows_the_picture(page: Page) -> bool:
    shot = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return len(np.unique(shot.reshape(-1, 3), axis=0)) > COLOURS


def measure(browser, command: tuple[str, ...], argument: Path) -> tuple[float, float]:
    """Seconds until the address is printed, and from its opening until the page is of use."""
    start_s = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "modot_ros.cli", *command[:1], str(argument), *command[1:]],
                               stdout=subprocess.PIPE, text=True)
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    tab.set_default_timeout(1000 * LIMIT_S)
    tab.add_init_script("console.debug = () => {}")     # the viewer writes 50,000 lines there, which only a driver reads
    try:
        url = next(found.group() for line in process.stdout if (found := re.search(r"http://\S+", line)))
        printed_s = time.monotonic()
        tab.goto(url)
        ready = takes_strokes if command[0] == "annotate" else shows_the_picture
        while not ready(tab):
            if time.monotonic() - printed_s > LIMIT_S:
                sys.exit(f"modot {command[0]} is of no use after {LIMIT_S:.0f} s")
            time.sleep(0.05)
        return printed_s - start_s, time.monotonic() - printed_s
    finally:
        tab.close()
        process.send_signal(signal.SIGINT)
        process.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.runs} runs, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: median (lowest to highest), seconds\n")
    print("| page | command to address | address to use |\n| --- | --- | --- |")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        shutil.copy(options.picture, folder)
        browser = driver.chromium.launch(executable_path=shutil.which("chromium") or driver.chromium.executable_path, args=GL)
        for name, command in COMMANDS.items():
            argument = Path(folder) if command[0] == "annotate" else options.picture
            columns = zip(*(measure(browser, command, argument) for _ in range(options.runs)))
            cells = [f"{statistics.median(one):.1f} ({min(one):.1f} to {max(one):.1f})" for one in columns]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
