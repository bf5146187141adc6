"""Ask the operator before something is taken away."""

import sys


def ask(question: str, *, expected: str) -> bool:
    """Whether `expected` is typed; where nobody can type, nothing is agreed to."""
    if not sys.stdin.isatty():
        print("Nobody can answer here. Say --yes to agree beforehand.")
        return False
    return input(question).strip() == expected
