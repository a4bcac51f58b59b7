# SPDX-License-Identifier: Apache-2.0
"""The `modot` command: its subcommands in groups, and what their errors become.

A command is a module with HELP, `add_arguments(parser)` and `run(options) -> int`. It imports what it needs inside `run`,
so that `modot --help` starts without torch.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from modot_ros.cli.make import export, mesh2ob, train, train_orders, weights
from modot_ros.cli.measure import bench, evaluate
from modot_ros.cli.use import annotate, demo, order, predict, record, refine, serve, view
from modot_ros.machine import keep_freed_memory

GROUPS = {"use": (predict, view, order, refine, annotate, demo, record, serve),
          "make": (train, train_orders, mesh2ob, weights, export), "measure": (evaluate, bench)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand; returns 0, or 2 after a message on stderr when its input can't be used, as argparse does."""
    keep_freed_memory()
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (FloatingPointError, ModuleNotFoundError, OSError, ValueError) as error:
        print(f"modot {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The parser of all commands. Its help lists them by group."""
    listing = "\n".join(f"{group}:\n" + "".join(f"  {name_of(command):<14}{command.HELP}\n" for command in commands)
                        for group, commands in GROUPS.items())
    made = argparse.ArgumentParser(prog="modot", description="Depth, occlusion boundaries and order from one camera.",
                                   epilog=listing, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = made.add_subparsers(dest="command", required=True, metavar="COMMAND",
                                     help="one of those below; `modot COMMAND --help` lists its options")
    for command in (command for commands in GROUPS.values() for command in commands):
        added = subparsers.add_parser(name_of(command), description=command.HELP,
                                      formatter_class=argparse.ArgumentDefaultsHelpFormatter,
                                      **getattr(command, "PARSER", {}))
        command.add_arguments(added)
        added.set_defaults(run=command.run)
    return made


def name_of(command) -> str:
    """Name on the command line of a command's module: train_orders -> train-orders."""
    return command.__name__.rpartition(".")[2].replace("_", "-")
