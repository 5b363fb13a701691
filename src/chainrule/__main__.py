"""The command line: ``chainrule COMMAND`` or ``python -m chainrule COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .demo.command import add_parser as add_demo
from .source.command import add_cache_parser
from .source.command import add_parser as add_source


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status. Without a command, print the help."""
    parser = argparse.ArgumentParser(
        prog="chainrule", description="Differentiable programming for the NumPy code you have."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_demo(commands)
    add_source(commands)
    add_cache_parser(commands)
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 0
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
