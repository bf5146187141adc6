"""DATA's settings file is made once, and changed without losing its comments."""

from pathlib import Path

import yaml

from machinelabs_hub.up.layout import prepare, set_site_keys


def test_the_first_start_writes_the_annotated_settings(tmp_path: Path) -> None:
    settings = prepare(tmp_path / "new", port=8120, host="hub.example.org")
    assert (settings.site.port, settings.site.host) == (8120, "hub.example.org")
    text = (tmp_path / "new" / "settings.yaml").read_text()
    assert "#" in text
    assert prepare(tmp_path / "new").site.port == 8120


def test_a_key_is_changed_in_place_and_comments_stay() -> None:
    text = "# mine\nsite:\n  # the door\n  port: 8000  # public\nengine: {prefix: ab}\n"
    changed = set_site_keys(text, {"port": 9000, "host": "h.localhost"})
    values = yaml.safe_load(changed)
    assert values == {"site": {"port": 9000, "host": "h.localhost"}, "engine": {"prefix": "ab"}}
    for comment in ("# mine", "# the door", "# public"):
        assert comment in changed


def test_a_missing_section_is_added() -> None:
    assert yaml.safe_load(set_site_keys("", {"port": 9000})) == {"site": {"port": 9000}}
    assert yaml.safe_load(set_site_keys("engine: {prefix: ab}\n", {"port": 1})) == {
        "engine": {"prefix": "ab"},
        "site": {"port": 1},
    }


def test_a_section_on_one_line_is_changed_too() -> None:
    changed = set_site_keys("site: {port: 8000}\n", {"port": 9000, "host": "h"})
    assert yaml.safe_load(changed) == {"site": {"port": 9000, "host": "h"}}
