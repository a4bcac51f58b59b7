# SPDX-License-Identifier: Apache-2.0
"""The file from which a training run continues."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def save_state(state: dict[str, Any], path: Path) -> None:
    """Write a run's state, which `torch.load` reads with weights_only=True.

    A kill leaves the old or the new file. Raises OSError when it can't be written; what was there before is then still there.
    """
    temporary = path.with_suffix(".tmp")
    try:
        torch.save(state, temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:            # a full disk is a RuntimeError to torch
        temporary.unlink(missing_ok=True)
        raise OSError(f"{path} could not be written, the one before is kept ({error})") from error
