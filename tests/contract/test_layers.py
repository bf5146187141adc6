"""Imports go one way, and each outside thing has one door: import-linter's contracts hold."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.files import ROOT, files, name_of

HUB = ROOT / "hub" / "src" / "machinelabs_hub"
LONGEST_MODULE = 400


def test_every_import_goes_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def sources() -> list[Path]:
    places = (HUB, ROOT / "extensions")
    return [
        path
        for path in files()
        if path.suffix == ".py"
        and any(path.is_relative_to(place) for place in places)
        and "migrations/versions" not in str(path)
    ]


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_module_says_its_concept_and_reads_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring or not text.strip(), "the first line of a module says what it is"
    assert len(text.splitlines()) <= LONGEST_MODULE


def test_the_hubs_own_options_are_set_in_few_places() -> None:
    """`c` is JupyterHub's whole configuration: configure, sign-in and the site's file have it."""
    takers = {
        name_of(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and any(argument.arg == "c" for argument in node.args.args)
    }
    assert {
        name
        for name in takers
        if not name.startswith("hub/src/machinelabs_hub/auth/")
        and name != "hub/src/machinelabs_hub/configure.py"
    } == set()


def test_the_environment_is_read_in_the_settings_and_by_who_starts_programs() -> None:
    readers = {
        name_of(path)
        for path in sources()
        if path.is_relative_to(HUB)
        and any(word in path.read_text() for word in ("os.environ", "os.getenv", "getenv("))
    }
    allowed = {"settings.py", "up", "images"}
    assert {
        name
        for name in readers
        if Path(name).relative_to(HUB.relative_to(ROOT)).parts[0] not in allowed
    } == set()
