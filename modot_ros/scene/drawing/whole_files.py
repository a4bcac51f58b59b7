# SPDX-License-Identifier: Apache-2.0
"""Files that are there as a whole or not at all, on a full disk too."""
from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def write_whole(contents: Mapping[Path, bytes]) -> list[Path]:
    """Writes files of one folder; a file of that name is replaced. Returns their paths.

    Raises OSError naming the file, what is wrong and the space that lacks; then none of them has been written.
    """
    written: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            written[path] = path.with_name(path.name + ".tmp")
            written[path].write_bytes(content)
        for path, temporary in written.items():
            temporary.replace(path)
    except OSError as error:
        for temporary in written.values():
            with suppress(OSError):
                temporary.unlink()
        raise unwritable(path, error.strerror, sum(map(len, contents.values()))) from error
    return list(written)


def unwritable(path: Path, reason: str | None, needed_bytes: int) -> OSError:
    """The error of a file that can't be written, with the space that it and those beside it need and that there is."""
    try:
        space = f"; {needed_bytes / 1e6:.1f} MB are needed, {shutil.disk_usage(path.parent).free / 1e6:.1f} MB are free"
    except OSError:                                     # the folder is not there
        space = ""
    return OSError(f"{path} can't be written: {reason}{space}")
