"""A site's settings: defaults, and what a wrong line is called."""

from pathlib import Path

import pytest

from machinelabs_hub.errors import SettingsError
from machinelabs_hub.settings import AuthKind, load, parse

PATH = Path("/srv/site/settings.yaml")


def test_an_empty_file_is_a_whole_site() -> None:
    settings = parse("", path=PATH)
    assert settings.data == PATH.parent
    assert settings.auth.kind is AuthKind.LOCAL


def test_data_is_relative_to_the_file() -> None:
    assert parse("data: kept", path=PATH).data == Path("/srv/site/kept")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("site:\n  titel: x\n", 2, "`site.titel`: there is no such key"),
        ("site:\n  title: x\n  port: many\n", 3, "`site.port`"),
        ("site:\n  port: 80\n", 2, "greater than or equal to 1024"),
        ("auth:\n  local:\n    failures: 0\n", 3, "`auth.local.failures`"),
        ("engine:\n  blocked_subnets:\n    - 10.0.0.0/8\n    - {a: 1}\n", 4, "blocked_subnets.1"),
        ("auth:\n  kind: magic\n", 2, "`auth.kind`"),
        ("auth:\n  kind: workshop\n", 1, "workshop_password needs at least 8 characters"),
        ("auth:\n  kind: oidc\n", 1, "auth.oauth.issuer is needed"),
        ("- a\n- b\n", 1, "`key: value` lines"),
        ("site: [unclosed\n", 2, "not YAML"),
    ],
)
def test_a_wrong_line_is_named_with_file_line_and_key(text: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, path=PATH)
    assert str(caught.value).startswith(f"{PATH}, line {line}: ")
    assert said in str(caught.value)


def test_every_fault_has_a_line_of_its_own() -> None:
    with pytest.raises(SettingsError) as caught:
        parse("site:\n  port: 1\n  titel: x\n", path=PATH)
    assert len(str(caught.value).splitlines()) == 2


def test_a_proxy_that_is_no_address_is_named_with_its_line() -> None:
    text = "site:\n  trusted_proxies: [127.0.0.1, gate]\n"
    with pytest.raises(SettingsError, match=r"line 2.*“gate” is neither an address nor a network"):
        parse(text, path=PATH)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no file at .*settings\.yaml"):
        load(tmp_path / "settings.yaml")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(path)


def test_without_a_path_the_environment_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MACHINELABS_SETTINGS", raising=False)
    with pytest.raises(SettingsError, match="MACHINELABS_SETTINGS"):
        load()
    path = tmp_path / "settings.yaml"
    path.write_text("site: {title: Found}\n")
    monkeypatch.setenv("MACHINELABS_SETTINGS", str(path))
    assert load().site.title == "Found"
