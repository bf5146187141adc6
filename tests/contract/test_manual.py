"""The manual says what the code does: generated pages are current, nothing is left out."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.contract.files import ROOT

from machinelabs_hub import settings
from machinelabs_hub.errors import MachineLabsError

sys.path.insert(0, str(ROOT / "docs"))

import generate

REFERENCE = ROOT / "docs" / "reference"
DECISION_LINES = 30


@pytest.mark.parametrize("path", list(generate.PAGES), ids=lambda path: path.name)
def test_a_generated_page_is_current(path: Path) -> None:
    assert path.exists(), "run `make generate`"
    assert path.read_text() == generate.PAGES[path](), "run `make generate`"


@pytest.mark.parametrize("knob", list(generate.knobs()), ids=lambda knob: knob.path)
def test_every_setting_is_documented(knob: generate.Knob) -> None:
    assert knob.field.title
    assert f"`{knob.path}`" in (REFERENCE / "settings.md").read_text()


def test_the_example_settings_hold_every_key_at_its_default() -> None:
    path = ROOT / "config" / "single" / "settings.yaml"
    assert set(keys(yaml.safe_load(path.read_text()))) == {knob.path for knob in generate.knobs()}
    assert settings.load(path) == settings.parse("", path=path)


def examples() -> Iterator[tuple[str, str]]:
    sections = set(settings.Settings.model_fields)
    for page in sorted((ROOT / "docs" / "how-to").glob("*.md")):
        for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            said = yaml.safe_load(text)
            if isinstance(said, dict) and set(said) & sections:
                yield page.name, text


@pytest.mark.parametrize(("page", "text"), list(examples()))
def test_settings_that_a_page_shows_are_settings(page: str, text: str, tmp_path: Path) -> None:
    settings.parse(text, path=tmp_path / "settings.yaml")


def keys(tree: dict[str, object], prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_every_error_code_is_one_error_and_documented() -> None:
    errors = generate.error_classes()
    codes = Counter(error.code for error in errors)
    # A class without a code of its own is only a branch of the tree or a finer sentence of it.
    own = Counter(error.code for error in errors if "code" in vars(error))
    assert [code for code, count in own.items() if count > 1] == []
    manual = (REFERENCE / "errors.md").read_text()
    assert [code for code in codes if f"| `{code}` |" not in manual] == []


@pytest.mark.parametrize("error", generate.error_classes(), ids=lambda error: error.__name__)
def test_every_error_has_a_meaning_and_a_status(error: type[MachineLabsError]) -> None:
    assert error.__doc__
    assert error.code
    assert 400 <= error.status < 600


def test_decisions_are_short_and_numbered_without_gaps() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    long = [path.name for path in records if len(path.read_text().splitlines()) > DECISION_LINES]
    assert long == []


def test_the_manual_builds_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html",
         "-d", tmp_path / "trees", ROOT / "docs", tmp_path / "html"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "html" / "index.html").exists()
