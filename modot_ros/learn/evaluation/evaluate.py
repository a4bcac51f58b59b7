# SPDX-License-Identifier: Apache-2.0
"""A whole evaluation: sets in, report out."""
from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

import modot_ros
from modot_ros.learn.evaluation.comparison import Comparison, compare
from modot_ros.learn.evaluation.pictures import open_pictures
from modot_ros.learn.evaluation.report import write_report
from modot_ros.predictor import Predictor


def evaluate(data: Sequence[str], output: str | Path, predictor: Predictor, limit: int | None = None, workers: int = 1,
             progress: Callable[[str, int, int], None] | None = None,
             order_network: tuple[str, nn.Module] | None = None) -> list[Comparison]:
    """Compare a model with its contenders on every set, and write the report into `output`.

    Args:
        data: "KIND=FOLDER" or "FOLDER" each, see `pictures.open_pictures`.
        limit: pictures of each set at most. workers: processes that render rooms.
        progress: called with (what is done, how many are done, how many there are).
        order_network: name and network of `load_order_network`, which is scored where there are instances.

    Raises what `open_pictures` and `compare` raise, and ValueError without data.
    """
    if not data:
        raise ValueError("no data to evaluate on")

    def reported(what: str):
        return None if progress is None else lambda done, count: progress(what, done, count)
    sets = [open_pictures(one, limit, workers, reported("rendering shards")) for one in data]
    Path(output).mkdir(parents=True, exist_ok=True)             # before the work, for it may fail
    comparisons = [compare(pictures, predictor, reported(pictures.title), order_network) for pictures in sets]
    loaded = predictor.loaded
    about = {"model": predictor.name, "weights": Path(loaded.weights).name,
             "trained": f"{loaded.record.get('step', 'unknown')} steps", "precision": loaded.precision,
             "flip": "yes" if predictor.flip else "no", "device": predictor.device, "modot_ros": modot_ros.__version__,
             "date": datetime.date.today().isoformat(), **({"order network": order_network[0]} if order_network else {})}
    write_report(output, comparisons, about)
    return comparisons
