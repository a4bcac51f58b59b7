# SPDX-License-Identifier: Apache-2.0
"""Sphinx's settings, and the reference pages that are made from the code while it builds: `make docs`."""
import importlib.util
import itertools
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
# rosdoc2 copies this folder, and executes this file from a wrapper that names where it was.
wrapped = re.search(r'exec\(open\("(.+)/docs/conf\.py"\)', Path(__file__).read_text())
sys.path[:0] = [str(DOCS), wrapped[1] if wrapped else str(DOCS.parent)]

import generate  # noqa: E402

import modot_ros  # noqa: E402

project = "modot_ros"
copyright = author = "modot_ros maintainers"
release = modot_ros.__version__
html_title = f"modot_ros {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]
highlight_language = "text"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["wide.css"]

# The pages are read on GitHub as well: its anchors of headings, its fences for Mermaid.
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
mermaid_height = "auto"
mermaid_fullscreen = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Where the documentation is built without what the library needs, signatures and docstrings are still there.
autodoc_mock_imports = [name for name in ("cv2", "networkx", "safetensors", "scipy", "torch", "tqdm", "yaml")
                        if importlib.util.find_spec(name) is None]

generate.write_pages(DOCS / "generated")


def keep_columns(app, what, name, obj, options, lines):
    """The docstrings are plain text, no reStructuredText: paragraphs are set, columns of arguments keep their lines."""
    paragraphs = [list(group) for filled, group in itertools.groupby(lines, key=bool) if filled]
    lines.clear()
    for paragraph in paragraphs:
        if any(re.search(r"^\s|\S {2,}\S", line) for line in paragraph):
            lines += [".. code-block:: text", "", *(f"   {line}" for line in paragraph), ""]
        else:
            lines += [*(re.sub(r"([*|_\\])", r"\\\1", line).replace("`", "``") for line in paragraph), ""]


def setup(app):
    app.connect("autodoc-process-docstring", keep_columns)
