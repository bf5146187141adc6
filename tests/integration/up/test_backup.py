"""The manual's lines on backup and restore, run as they stand: nothing that people made is lost."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.inside import inside
from tests.support.many_labs import notebook
from tests.support.site import PASSWORD, ROOT, Site, remove_leftovers, running
from tests.support.site_labs import publish

pytestmark = pytest.mark.engine

MANUAL = ROOT / "docs" / "how-to" / "back-up.md"


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)


def run_as_written(script: str, site: Site, backup: Path) -> None:
    changes = {
        "/srv/machinelabs": str(site.data),
        "/backup/$(date +%F)": str(backup),
        "/backup/2026-11-21": str(backup),
        "machinelabs.site=ml": f"machinelabs.site={site.place.prefix}",
    }
    for old, new in changes.items():
        script = script.replace(old, new)
    subprocess.run(["bash", "-eu", "-c", script], check=True, capture_output=True)


def test_after_a_restore_labs_homes_accounts_and_settings_are_there(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    while_it_runs, homes, restore = blocks()
    with running(tmp_path / "data", site={"title": "Kept well"}) as site:
        files = {"main.ipynb": notebook("1 + 1"), "README.md": b"# Zebras\n"}
        publish(site, site.token("ada"), "kept", files, visibility="public")
        page = f"{site.labs_url}/ada/kept"
        server = site.start_server("ada", image="base")
        assert inside(server.container, "sh", "-c", "echo mine > ~/unpublished.txt").code == 0
        password = site.admin_password
        run_as_written(f"{while_it_runs}\n{homes}", site, backup)

        site.stop()
        remove_leftovers(site.place, site.settings)
        shutil.rmtree(site.data)

        run_as_written(restore, site, backup)
        site.start()
        assert site.admin_password == password
        with site.sign_in("ada", PASSWORD) as ada:
            assert "Kept well" in ada.get("/hub/home").text
        assert "Zebras" in site.visitor().get(f"{page}/files/README.md").text
        server = site.start_server("ada", image="base")
        assert inside(server.container, "cat", "unpublished.txt").out == "mine"
        assert inside(server.container, "sh", "-c", "echo more >> ~/unpublished.txt").code == 0
        assert site.visitor().get("/hub/health").is_success
