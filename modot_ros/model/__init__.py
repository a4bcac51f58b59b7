# SPDX-License-Identifier: Apache-2.0
"""Networks, their weights, and one picture through them. Torch; knows nothing of scenes and ROS."""
from modot_ros.model.build import MODELS, ORDER_BASELINES, ORDER_MODELS, STROKE_MODELS, build_network
from modot_ros.model.checkpoint import (
                                        PRECISIONS,
                                        LoadedNetwork,
                                        import_checkpoint,
                                        load_network,
                                        load_order_network,
                                        read_network,
                                        save_checkpoint,
                                        save_order_checkpoint,
)
from modot_ros.model.inference import Maps, in_batches, look, run, run_batch, run_strokes
from modot_ros.model.instaorder.pair_orders import order_pairs
from modot_ros.model.preprocess import fit_size, resized

__all__ = ["MODELS", "ORDER_BASELINES", "ORDER_MODELS", "PRECISIONS", "STROKE_MODELS", "LoadedNetwork", "Maps",
           "build_network", "fit_size", "import_checkpoint", "in_batches", "load_network", "load_order_network",
           "look", "order_pairs", "read_network", "resized", "run", "run_batch", "run_strokes", "save_checkpoint",
           "save_order_checkpoint"]
