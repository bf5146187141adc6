"""The `machinelabs-hub` command: each order is one function of `up/`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from machinelabs_hub import __version__
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.up.start import up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one order; return 0, or 1 after a sentence that says what went wrong."""
    options = parser().parse_args(arguments)
    try:
        return int(options.order(options) or 0)
    except MachineLabsError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="machinelabs-hub", description="Run and look after a MachineLabs site."
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    orders = top.add_subparsers(metavar="ORDER", required=True)
    _add_up(orders)
    return top


def _add_up(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    order = orders.add_parser("up", help="start a site and keep it running until Ctrl-C")
    _add_data(order)
    order.add_argument("--port", type=int, help="public port; kept in the site's settings")
    order.add_argument("--host", help="public host name; kept in the site's settings")
    order.set_defaults(order=lambda o: up(o.data, port=o.port, host=o.host))


def _add_data(order: argparse.ArgumentParser) -> None:
    order.add_argument(
        "--data",
        type=Path,
        default=Path("data"),
        help="folder of all that the site keeps (default: ./data)",
    )


if __name__ == "__main__":
    sys.exit(main())
