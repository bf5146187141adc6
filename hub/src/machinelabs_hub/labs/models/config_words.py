"""How an `ml.yaml` is refused: with its line, and with its key. Pure."""

from typing import Final

import yaml

from machinelabs_hub.errors import BadInput

NAME: Final = "ml.yaml"


class BadConfig(BadInput):
    """The lab's `ml.yaml` cannot be used."""

    code = "bad_config"


def at(node: yaml.Node) -> str:
    """Return where a node stands, as a sentence begins."""
    return f"{NAME}, line {node.start_mark.line + 1}"
