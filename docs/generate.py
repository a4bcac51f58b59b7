# SPDX-License-Identifier: Apache-2.0
"""Reference pages that are made whenever the documentation is built: messages from msg/, commands from their parser, Python from
the docstrings."""
from __future__ import annotations

import os
import re
from pathlib import Path

import modot_ros

ROOT = Path(modot_ros.__file__).resolve().parents[1]     # not by this file: rosdoc2 copies docs/ elsewhere


def write_pages(folder: Path) -> None:
    """messages.md, commands.md, python.md and contributing.md; a page that is as it was is not touched, so that Sphinx need not
    read it again."""
    folder.mkdir(exist_ok=True)
    for name, text in (("messages.md", messages()), ("commands.md", commands()), ("python.md", python()),
                       ("contributing.md", (ROOT / "CONTRIBUTING.md").read_text())):
        page = folder / name
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def messages() -> str:
    """A table of fields per message of msg/, with the comments that stand there."""
    sections = ["# Messages\n"]
    for path in sorted((ROOT / "msg").glob("*.msg"), key=lambda path: path.stem != "OrderGraph"):
        lines = path.read_text().splitlines()
        text = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
        fields = [re.fullmatch(r"(\S+) +(\w+)\s*(?:# *(.*))?", line) for line in lines if line and line[0] != "#"]
        rows = [f"| `{field[2]}` | `{field[1]}` | {field[3] or ''} |" for field in fields]
        sections.append("\n".join([f"## modot_ros/{path.stem}\n", text, "", "| field | type | meaning |", "| --- | --- | --- |",
                                   *rows, ""]))
    return "\n".join(sections)


def commands() -> str:
    """The help of `modot` and of each of its commands, as the terminal shows it."""
    os.environ["COLUMNS"] = "110"
    from modot_ros.cli.main import GROUPS, name_of, parser

    made = parser()
    [subparsers] = [action for action in made._actions if hasattr(action, "choices") and isinstance(action.choices, dict)]
    sections = ["# The `modot` command\n"]
    for group, modules in GROUPS.items():
        sections.append(f"## {group.capitalize()}\n")
        for command in map(name_of, modules):
            sections.append(f"### modot {command}\n\n```text\n{subparsers.choices[command].format_help().strip()}\n```\n")
    return "\n".join(sections)


def python() -> str:
    """Directives of autodoc for the predictor, the prediction and every module of the scene."""
    scene = sorted((ROOT / "modot_ros" / "scene").rglob("*.py"), key=lambda path: (len(path.parts), path))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in scene if path.stem != "__init__"]
    sections = ["# Python\n\nNo ROS is needed: `pip install .` brings these modules and the `modot` command.\n"]
    sections += [f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n"
                 for name in ("modot_ros.predictor", "modot_ros.prediction", *names)]
    return "\n".join(sections)
