"""A site's own templates beside ours."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.config import BadConfig
from machinelabs_hub.labs.models.lab import LabDraft
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.template import words_of
from machinelabs_hub.labs.services.templates import NoTemplate, TemplateService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.settings import parse

ADA = Person("ada", "ada")


@pytest.fixture
def own(tools: Tools, tmp_path: Path) -> Tools:
    folder = tmp_path / "own"
    for path, text in {
        "welcome/README.md": "# Welcome\n\nThe first week\nof the course.\n\nMore.\n",
        "welcome/ml.yaml": "image: base\n",
        "welcome/main.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "welcome/.secret": "x",
        "welcome/__pycache__/x.pyc": "x",
        "blank/README.md": "# Ours, our way\n",
        "broken/ml.yaml": "image: nothing-like-it\n",
        ".git/config": "x",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    settings = tools.settings.model_copy(update={"templates": str(folder)})
    return replace(tools, settings=settings)


def test_own_templates_stand_beside_ours_and_take_their_place(own: Tools) -> None:
    found = {one.name: one for one in TemplateService(tools=own, viewer=None).list()}
    assert next(iter(found)) == "blank"
    assert found["blank"].title == "Ours, our way"
    welcome = found["welcome"]
    assert (welcome.title, welcome.description) == ("Welcome", "The first week of the course.")
    assert welcome.image == "base"
    assert "digits" in found
    assert ".git" not in found


def test_a_lab_of_an_own_template_holds_its_files(
    own: Tools, viewed_by: Callable[[Person | None], Context]
) -> None:
    lab = TemplateService(tools=own, viewer=ADA).make("welcome", LabDraft(title="Mine"))
    ctx = viewed_by(ADA)
    files = ctx.revisions.files(ctx.labs.get("ada", lab.name), 1)
    assert [entry.path for entry in files] == ["README.md", "main.ipynb", "ml.yaml"]
    with pytest.raises(NoTemplate):
        TemplateService(tools=own, viewer=ADA).make("../own", LabDraft(title="Mine"))


def test_a_broken_template_is_listed_and_said_when_it_is_taken(own: Tools) -> None:
    service = TemplateService(tools=own, viewer=ADA)
    assert "broken" in {one.name for one in service.list()}
    with pytest.raises(BadConfig, match="nothing-like-it"):
        service.make("broken", LabDraft(title="Mine"))


def test_the_folder_is_found_from_the_settings_file(tmp_path: Path) -> None:
    read = parse("templates: mine\n", path=tmp_path / "settings.yaml")
    assert read.templates == str(tmp_path / "mine")
    assert parse("", path=tmp_path / "settings.yaml").templates == ""


def test_the_words_of_a_template_are_those_of_its_readme() -> None:
    assert words_of("", "time-series") == ("Time series", "")
    assert words_of("Just words.\n\nMore.", "a") == ("A", "Just words.")
    assert words_of("# T\n\n## Part\n\nOne\ntwo.\n", "a") == ("T", "One two.")
