# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of topics, parameters and papers into docs/reference/ from the code: `python docs/tables.py` (needs
rclpy)."""
from __future__ import annotations

import re
from pathlib import Path

from modot_ros.learn.evaluation import quoted
from modot_ros.ros.node import outputs, parameters

REFERENCE = Path(__file__).resolve().parent / "reference"

for name, table in (("topics", outputs.markdown_table()), ("parameters", parameters.markdown_table()),
                    ("papers", quoted.markdown())):
    page = REFERENCE / f"{name}.md"
    text = re.sub(rf"(<!-- {name} -->\n).*(<!-- /{name} -->)", lambda marks, table=table: f"{marks[1]}{table}\n{marks[2]}",
                  page.read_text(), flags=re.DOTALL)
    page.write_text(text)
