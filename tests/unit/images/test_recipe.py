"""What an image is made of decides its name."""

import os
from pathlib import Path

import pytest

from machinelabs_hub.catalog.model import Image
from machinelabs_hub.errors import SettingsError
from machinelabs_hub.images.recipe import Recipe, own_wheels, recipes


def an_image(name: str, parent: str = "") -> Image:
    return Image(name=name, title=name, description="", parent=parent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("base", "science"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\n")
        (tmp_path / name / "python.txt").write_text(f"{name}==1\n")
    return tmp_path


def hashes(folder: Path) -> dict[str, str]:
    images = [an_image("science", "base"), an_image("base")]
    return {recipe.name: recipe.hash() for recipe in recipes(images, folder)}


def test_parents_come_before_children(folder: Path) -> None:
    assert list(hashes(folder)) == ["base", "science"]


def test_the_same_files_make_the_same_hash_whenever_they_were_written(folder: Path) -> None:
    before = hashes(folder)
    os.utime(folder / "base" / "Dockerfile", (0, 0))
    assert hashes(folder) == before


def test_a_changed_file_changes_the_image_and_those_on_top_of_it(folder: Path) -> None:
    before = hashes(folder)
    (folder / "science" / "python.txt").write_text("science==2\n")
    assert hashes(folder)["base"] == before["base"]
    assert hashes(folder)["science"] != before["science"]
    (folder / "base" / "python.txt").write_text("base==2\n")
    after = hashes(folder)
    assert not set(after.values()) & set(before.values())


@pytest.mark.parametrize("change", ["a new file", "a renamed file", "a program"])
def test_names_and_rights_count_too(folder: Path, change: str) -> None:
    before = hashes(folder)
    file = folder / "base" / "python.txt"
    match change:
        case "a new file":
            (folder / "base" / "more").write_text("")
        case "a renamed file":
            file.rename(folder / "base" / "server.txt")
        case "a program":
            file.chmod(0o755)
    assert hashes(folder)["base"] != before["base"]


def test_what_pins_are_made_from_does_not_count(folder: Path) -> None:
    before = hashes(folder)
    (folder / "base" / "python.in").write_text("# why\n")
    assert hashes(folder) == before


def test_the_hash_of_a_variant_leaves_out_the_other(folder: Path) -> None:
    cpu, cuda = folder / "base" / "python-cpu.txt", folder / "base" / "python-cuda.txt"
    cpu.write_text("torch==1+cpu\n")
    cuda.write_text("torch==1\n")
    recipe = Recipe(name="base", folder=folder / "base")
    assert recipe.variants == (cpu, cuda)
    before = recipe.hash(cpu), recipe.hash(cuda)
    assert len({*before, recipe.hash()}) == 3
    cuda.write_text("torch==2\n")
    assert recipe.hash(cpu) == before[0]
    assert recipe.hash(cuda) != before[1]


def test_parents_that_make_no_tree_are_named(folder: Path) -> None:
    with pytest.raises(SettingsError, match="science → base → science"):
        recipes([an_image("science", "base"), an_image("base", "science")], folder)
    with pytest.raises(SettingsError, match="science → basis"):
        recipes([an_image("science", "basis")], folder)


def test_an_image_without_a_folder_is_named(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"“other” has no .*other/Dockerfile"):
        recipes([an_image("other")], folder)


def test_of_two_wheels_of_a_package_the_newer_is_taken(tmp_path: Path) -> None:
    names = ("ours-0.2-py3-none-any.whl", "ours-0.10-py3-none-any.whl", "more-1-py3-none-any.whl")
    for age, name in enumerate(names):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    assert [path.name for path in own_wheels(tmp_path)] == [names[2], names[1]]


def test_no_wheels_yet_is_no_error(tmp_path: Path) -> None:
    assert own_wheels(tmp_path / "missing") == []
