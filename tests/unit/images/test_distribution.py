"""Mirrors are read from the machine's own apt configuration."""

from pathlib import Path

from machinelabs_hub.images.distribution import Source, read_sources


def test_both_formats_of_apt_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old/debian bookworm main\n"
        "deb http://one/debian/ bookworm main contrib\n"
        "deb-src http://one/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://two/debian bookworm-updates main\n"
    )
    (tmp_path / "sources.list.d" / "three.sources").write_text(
        "Types: deb deb-src\nURIs: http://three/debian\n# a comment\n"
        "Suites: bookworm bookworm-security\nComponents: main\nSigned-By: /k3.gpg\n\n"
        "Types: deb-src\nURIs: http://four/debian\nSuites: bookworm\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://five/debian\nSuites: bookworm\n"
    )
    assert read_sources(tmp_path) == [
        Source("http://one/debian", "bookworm"),
        Source("http://two/debian", "bookworm-updates", "/k.gpg"),
        Source("http://three/debian", "bookworm", "/k3.gpg"),
        Source("http://three/debian", "bookworm-security", "/k3.gpg"),
    ]


def test_a_machine_without_apt_has_no_mirrors(tmp_path: Path) -> None:
    assert read_sources(tmp_path) == []
