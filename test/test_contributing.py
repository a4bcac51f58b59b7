# SPDX-License-Identifier: Apache-2.0
"""CONTRIBUTING.md leads to files that exist."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
TOP = "modot_ros|msg|launch|config|test|benchmarks|docs"


def answers() -> dict[str, list[str]]:
    """Question of the index -> files that answer it."""
    table = PAGE[PAGE.index("## Where is ...?"):].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+\?) \| (.+) \|$", table, re.MULTILINE)
    return {question: re.findall(r"`([^`]+/[^`]+)`", answer) for question, answer in rows}


def test_every_question_of_the_index_is_answered_by_files():
    assert len(answers()) >= 10
    for question, files in answers().items():
        assert files, question
        assert all((ROOT / path).is_file() for path in files), question


@pytest.mark.parametrize("path", sorted(set(re.findall(rf"`((?:{TOP})/[\w./]*)`", PAGE)) - {"docs/_build/html"}))
def test_every_path_in_backticks_exists(path):
    assert (ROOT / path).exists()
