# SPDX-License-Identifier: Apache-2.0
"""How the page is arranged: space large on the left, pictures and the graph beside it, curves over time below."""
from __future__ import annotations

from collections.abc import Collection

BACKGROUND = (24, 26, 32)
PICTURES = {"boundaries": "Occlusion boundaries", "depth": "Depth: blue is near", "instances": "Instances",
            "uncertainty": "Uncertainty", "truth/boundaries": "True boundaries", "truth/depth": "True depth"}


def layout(logged: Collection[str]):
    """A Rerun blueprint for these entities, the paths that `log_frame` returns."""
    import rerun.blueprint as rrb

    space = rrb.Spatial3DView(
        origin="/", contents=["/camera/**", "/world/**"], name="Space", background=BACKGROUND, line_grid=False,
        eye_controls=rrb.EyeControls3D(position=(-0.7, -0.8, -0.9), look_target=(0.0, 0.3, 1.8), eye_up=(0.0, -1.0, 0.0)))
    pictures = [rrb.Spatial2DView(origin=f"/{path}", name=name) for path, name in PICTURES.items() if path in logged]
    if not pictures:
        pictures = [rrb.Spatial2DView(origin="/picture", name="Picture")]
    views = list(pictures)
    if "order" in logged:
        views.append(rrb.GraphView(origin="/order", name="Order: near below, far above"))
    beside = rrb.Grid(*views, grid_columns=2)
    top = rrb.Horizontal(space, beside, column_shares=[5, 4]) if any(path.startswith("world/") for path in logged) else beside
    curves = sorted(path for path in logged if path.startswith("numbers/"))
    if not curves:
        return rrb.Blueprint(top, collapse_panels=True)
    plots = [rrb.TimeSeriesView(origin=f"/{path}", name=path.rpartition("/")[2]) for path in curves]
    return rrb.Blueprint(rrb.Vertical(top, rrb.Horizontal(*plots), row_shares=[5, 1]), collapse_panels=True)
