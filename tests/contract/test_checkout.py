"""What stands in the checkout is fit for everybody: no private paths, no package hosts, licences."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.contract.files import ROOT, files, name_of, text_of

COMMUNITY = (
    "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md",
    "GOVERNANCE.md", "SECURITY.md", ".github/PULL_REQUEST_TEMPLATE.md", ".github/labels.yml",
)  # fmt: skip
LABELS = ("hotlist: first-timers", "hotlist: community-help")
README_LINES = 120

# Written so that this file does not hold what it looks for.
PRIVATE_PATHS = re.compile(r"(?<![\w.$}/])/(?:ro" r"ot|wo" r"rk|home/(?!jovyan))/[\w.-]")
OPEN_POINTS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
PACKAGE_HOSTS = re.compile(
    r"(?:registry\.npm" r"js\.org|pypi\.py" r"thon\.org|files\.python" r"hosted\.org|"
    r"registry\.yarn" r"pkg\.com|download\.py" r"torch\.org)"
)  # fmt: skip
VENDORED = re.compile(r"/vendor(?:ed)?/|\.min\.(?:js|css)$")
HOSTS = re.compile(r"""(?:src|href|action|url\()\s*=?\s*["'(]?\s*(?:https?:)?//(?!www\.w3\.org)""")


def texts() -> list[tuple[Path, str]]:
    """Every text of ours; what others wrote is kept as they wrote it."""
    found = ((path, text_of(path)) for path in files() if not VENDORED.search(name_of(path)))
    return [(path, text) for path, text in found if text is not None]


def test_nothing_names_a_private_place() -> None:
    assert found(PRIVATE_PATHS) == []


def test_an_open_point_is_an_issue_and_not_a_comment() -> None:
    assert found(OPEN_POINTS) == []


def test_no_lock_names_a_package_host() -> None:
    assert found(PACKAGE_HOSTS) == []
    locks = [path for path in files() if path.name == "package-lock.json"]
    assert locks
    for path in locks:
        packages = json.loads(path.read_text())["packages"].values()
        assert not [package for package in packages if "resolved" in package], name_of(path)
    assert not [path for path in files() if path.name == "uv.lock"]


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name_of(path)}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("name", COMMUNITY)
def test_the_community_files_are_there(name: str) -> None:
    assert (ROOT / name).read_text().strip()


def test_the_readme_is_short_and_shows_the_product() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < README_LINES
    images = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert images
    for image in images:
        assert (ROOT / image).stat().st_size > 10_000, image


def test_links_between_our_pages_lead_somewhere() -> None:
    broken = [
        f"{name_of(path)}: {target}"
        for path, text in texts()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_the_labels_for_newcomers_exist_and_are_explained() -> None:
    labels = (ROOT / ".github" / "labels.yml").read_text()
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    for label in LABELS:
        assert label in labels
        assert label in guide


def test_make_help_lists_every_target_and_the_readme_names_only_those() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = {
        word
        for line in re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)
        for word in line.split()
    }
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert {target for target in phony if target not in shown} == set()
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"(?m)(?:^|`)make ([a-z]+)\b(?!/)", (ROOT / page).read_text()):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"


def test_templates_and_styles_load_nothing_from_another_host() -> None:
    kinds = {".html", ".css", ".svg", ".jinja"}
    loading = [
        f"{name_of(path)}: {line.strip()[:100]}"
        for path, text in texts()
        if path.suffix in kinds and path.is_relative_to(ROOT / "hub" / "src")
        for line in text.splitlines()
        if HOSTS.search(line)
    ]
    assert loading == []


def test_what_others_wrote_keeps_its_licence() -> None:
    vendored = [path for path in files() if VENDORED.search(name_of(path))]
    unnamed = [
        name_of(path)
        for path in vendored
        if path.suffix in {".js", ".css"}
        and not re.search(r"licen[cs]e|copyright", path.read_text()[:3000], re.IGNORECASE)
        and not list(path.parent.glob("*LICEN[CS]E*"))
        and not list(path.parent.glob(f"{path.stem.split('.')[0]}*LICEN[CS]E*"))
    ]
    assert unnamed == []
