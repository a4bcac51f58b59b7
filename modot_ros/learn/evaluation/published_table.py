# SPDX-License-Identifier: Apache-2.0
"""What papers report on the sets that they scored on: numbers to stand beside ours, means over pictures.

Depth and boundaries from the slides of MoDOT's authors; boundary pixels at probability 0.7 without tolerance or thinning.
The rows "depth + Canny" take edges of the depth map for boundaries. Orders in percent, with true masks but for
InstaFormer, which finds its own; from InstaOrder's supplement and from InstaFormer's repository.
"""
from __future__ import annotations

COLUMNS = ("rmse", "rmse_log", "abs_rel", "sq_rel", "log10", "delta1", "pixel_recall", "pixel_f1")
SOURCE = "MoDOT, WACV 2026"
# What has to be known where their numbers stand beside ours, which are of z in metres.
UNITS = {"ob_hypersim": "The paper's depth is the distance along the ray in units of 3.05 m; its RMSE and SqRel are in "
                        "that unit, 3.05 times larger in metres.",
         "ob_future": "The paper's depth is 1.01 times the distance along the ray less 0.1 m, and 1.02 m wherever "
                      "something is nearer than 1.09 m; those pixels are left out of ours."}
# Where the slides contradict themselves.
NOTES = {"ob_hypersim": "The slides' table of auxiliary tasks gives MoDOT's log10 as 0.1235, that of depth-only methods as "
                        "0.1223; one prints MoDOT + SSR's d<1.25 (0.5148) as the best beside MoDOT's 0.5167."}
_N = None                                               # not reported


def _row(*values: float | None) -> dict[str, float]:
    return {key: value for key, value in zip(COLUMNS, values) if value is not None}


def _canny(name: str, *pairs: tuple[float, float]) -> dict[str, dict[str, float]]:
    """Recall and F at the three pairs of thresholds."""
    return {f"{name} depth + Canny {thresholds}": {"pixel_recall": recall, "pixel_f1": f1}
            for thresholds, (recall, f1) in zip(("(0.05, 0.15)", "(0.15, 0.3)", "(0.25, 0.5)"), pairs)}


PUBLISHED: dict[str, dict[str, dict[str, float]]] = {
    "nyud_mt": {
        "MoDOT": _row(0.4174, 0.1475, 0.1169, 0.0692, 0.0498, 0.8741, 0.6287, 0.1729),
        "MoDOT + SSR": _row(0.4137, 0.1460, 0.1155, 0.0679, 0.0492, 0.8767, 0.6244, 0.1863),
        "MoDOT's depth baseline": _row(0.4619, 0.1684, 0.1363, 0.0876, 0.0558, 0.8438),
        "MoDOT's boundary baseline": _row(*(_N,) * 6, 0.5509, 0.1736),
        "SharpNet": _row(0.6188, 0.2215, 0.1888, 0.1523, 0.0777, 0.7107, 0.5072, 0.1642),
        "MTAN": _row(0.5499, 0.2043, 0.1664, 0.1241, 0.0685, 0.7655, 0.5439, 0.1544),
        "PAD-Net": _row(0.6404, 0.2361, 0.2009, 0.1706, 0.0810, 0.6964, 0.5681, 0.1493),
        "MTI-Net": _row(0.5630, 0.2004, 0.1674, 0.1303, 0.0687, 0.7650, 0.5049, 0.1596),
        "InvPT": _row(0.6574, 0.2389, 0.2087, 0.1871, 0.0830, 0.6998, 0.5746, 0.1443),
        "DenseMTL": _row(0.5158, 0.1852, 0.1502, 0.1081, 0.0631, 0.8006, 0.6331, 0.1616),
        "TaskPrompter": _row(0.4446, 0.1548, 0.1228, 0.0758, 0.0525, 0.8591, 0.2906, 0.1626),
        "MLoRE": _row(0.4576, 0.1601, 0.1285, 0.0819, 0.0544, 0.8493, 0.5059, 0.1616),
    },
    "ob_future": {
        "MoDOT": _row(0.3963, 0.1020, 0.0901, 0.0523, 0.0380, 0.9427, 0.9090, 0.6131),
        "MoDOT + SSR": _row(0.3809, 0.0974, 0.0843, 0.0468, 0.0361, 0.9518, 0.9486, 0.5415),
        "MoDOT's depth baseline": _row(0.4524, 0.1149, 0.1011, 0.0655, 0.0327, 0.9215),
        "MoDOT's boundary baseline": _row(*(_N,) * 6, 0.7655, 0.5634),
        "SharpNet": _row(0.9535, _N, 0.1890, _N, _N, 0.5966, 0.9571),
        "MTAN": _row(0.5576, _N, 0.1218, _N, _N, 0.8523, 0.9238),
        "PAD-Net": _row(0.5447, _N, 0.1188, _N, _N, 0.8627, 0.9022),
        "MTI-Net": _row(0.5064, _N, 0.1106, _N, _N, 0.8891, 0.9125),
        "InvPT": _row(0.9335, _N, 0.2371, _N, _N, 0.6122, 0.3228),
        "DenseMTL": _row(0.5217, _N, 0.1106, _N, _N, 0.8818, 0.8927),
        **_canny("Depth Anything Large", (0.0846, 0.1276), (0.0581, 0.0928), (0.0386, 0.0646)),
        **_canny("Depth Anything v2 Large", (0.1136, 0.1630), (0.0873, 0.1323), (0.0642, 0.1015)),
    },
    "ob_hypersim": {
        "MoDOT": _row(0.6583, 0.3463, 0.2963, 0.2279, 0.1223, 0.5167, 0.8670, 0.5163),
        "MoDOT + SSR": _row(0.6537, 0.3456, 0.2954, 0.2266, 0.1243, 0.5148, 0.8732, 0.5109),
        "MoDOT's depth baseline": _row(0.6948, 0.3739, 0.3123, 0.2481, 0.1342, 0.4759),
        "MoDOT's boundary baseline": _row(*(_N,) * 6, 0.8099),
        "SharpNet": _row(0.8551, _N, 0.4422, _N, _N, 0.3561, 0.7342),
        "MTAN": _row(0.8050, _N, 0.3765, _N, _N, 0.4023, 0.7430),
        "PAD-Net": _row(0.8404, _N, 0.4322, _N, _N, 0.3866, 0.6732),
        "MTI-Net": _row(0.7560, _N, 0.3746, _N, _N, 0.4365, 0.7490),
        "InvPT": _row(0.9018, _N, 0.5106, _N, _N, 0.3555, 0.8004),
        "DenseMTL": _row(0.7475, _N, 0.4095, _N, _N, 0.4410, 0.8520),
        "Depth Anything Large": _row(1.1461, 0.6358, 0.4118, 0.5581, 0.2439, 0.2677, 0.0294, 0.0446),
        "Depth Anything v2 Large": _row(1.1269, 0.5934, 0.3604, 0.5260, 0.2205, 0.3433, 0.0595, 0.0936),
        "Depth Anything v2 Base": _row(1.1287, 0.5984, 0.3683, 0.5287, 0.2229, 0.3307, 0.0585, 0.0911),
        "Depth Anything v2 Small": _row(1.1308, 0.6034, 0.3775, 0.5346, 0.2252, 0.3249, 0.0530, 0.0824),
        **_canny("Depth Anything Large", (0.0294, 0.0446), (0.0198, 0.0341), (0.0133, 0.0238)),
        **_canny("Depth Anything v2 Large", (0.0595, 0.0936), (0.0491, 0.0809), (0.0402, 0.0681)),
    },
}

ORDER_COLUMNS = ("occlusion_recall", "occlusion_precision", "occlusion_f1", "whdr_distinct", "whdr_overlap", "whdr_all")


def _orders(*values: float | None) -> dict[str, float]:
    return {key: value for key, value in zip(ORDER_COLUMNS, values) if value is not None}


ORDERS_PUBLISHED: dict[str, dict[str, dict[str, float]]] = {
    "instaorder": {
        "PCNet-M (InstaOrder, CVPR 2022)": _orders(59.19, 76.42, 63.02),
        "OrderNet, 4 classes (InstaOrder, CVPR 2022)": _orders(84.93, 78.21, 77.51),
        "InstaOrderNet_o (InstaOrder, CVPR 2022)": _orders(89.39, 79.83, 80.65),
        "InstaOrderNet_d (InstaOrder, CVPR 2022)": _orders(_N, _N, _N, 12.95, 25.96, 17.51),
        "InstaOrderNet_od (InstaOrder, CVPR 2022)": _orders(82.37, 88.67, 81.86, 11.51, 25.22, 15.99),
        "InstaDepthNet_d (InstaOrder, CVPR 2022)": _orders(_N, _N, _N, 7.25, 23.34, 12.94),
        "InstaDepthNet_od (InstaOrder, CVPR 2022)": _orders(84.89, 91.34, 85.01, 7.00, 23.29, 12.72),
        "InstaFormer_o Swin-L (2025, no masks given)": _orders(89.82, 78.10, 81.89),
        "InstaFormer_od Swin-L (2025, no masks given)": _orders(89.57, 78.07, 81.37, 7.90, 24.68, 13.30),
    },
}
