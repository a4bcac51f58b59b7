# SPDX-License-Identifier: Apache-2.0
"""Progress lines of commands that take long."""
from __future__ import annotations

import sys


def progress(what: str, done: int, count: int) -> None:
    if done % 20 == 0 or done == count:
        print(f"{what}: {done} of {count}", file=sys.stderr, flush=True)


def rendering(done: int, count: int) -> None:
    print(f"rendering: {done} of {count} shards", flush=True)
