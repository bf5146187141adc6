"""Packages in a person's container: a lab's requirements are offered, installed, and reset."""

import base64
import io
import time
import zipfile
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.support import browser as ours
from tests.support.jupyterlab import BOOK, accept_button, run_command, toast
from tests.support.site import Server, Site

pytestmark = [pytest.mark.engine, pytest.mark.browser]

PERSON = "pack-paula"
WHEEL = "tinypack-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """Return a package of one line, as a wheel: the suite has no package index."""
    about = "tinypack-1.0.dist-info"
    files = {
        "tinypack.py": "ANSWER = 'from my home'\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def put(server: Server, path: str, body: dict[str, Any]) -> None:
    with server.client() as client:
        client.put(f"api/contents/{path}", json=body).raise_for_status()


def publish(server: Server, path: str) -> None:
    draft = {
        "path": path, "title": "Needs a package", "name": "needs", "description": "", "tags": [],
        "visibility": "public", "licence": "MIT", "strip": False,
    }  # fmt: skip
    with server.client() as client:
        job = client.post("machinelabs/api/publish", json=draft).raise_for_status().json()
        while job["state"] == "running":
            time.sleep(0.1)
            job = client.get(f"machinelabs/api/jobs/{job['id']}").json()
    assert job["state"] == "done", job


def test_what_a_lab_needs_is_offered_installed_and_reset(site: Site, chromium: Browser) -> None:
    server = site.start_server(PERSON)
    book = {**BOOK, "cells": [{**BOOK["cells"][0], "source": "import tinypack; tinypack.ANSWER"}]}
    needs = f"tinypack @ file:///home/jovyan/needs/{WHEEL}\n"
    put(server, "needs", {"type": "directory"})
    put(server, "needs/main.ipynb", {"type": "notebook", "content": book})
    put(server, "needs/requirements.txt", {"type": "file", "format": "text", "content": needs})
    content = base64.b64encode(wheel()).decode()
    put(server, f"needs/{WHEEL}", {"type": "file", "format": "base64", "content": content})
    publish(server, "needs")

    page = ours.new_person(chromium).new_page()
    ours.sign_in(page, site.url, PERSON, site.make_user(PERSON))
    page.goto(f"{site.server_url(PERSON)}lab/tree/needs/main.ipynb?reset")
    ours.wait_for_lab(page)
    offer = toast(page, "This lab needs packages that are not here: tinypack")
    offer.get_by_role("button", name="Install").click()
    done = toast(page, "Installed. Packages stay in your home")
    done.get_by_role("button", name="Show log").click()
    expect(page.locator(".jp-MachineLabs-log")).to_contain_text("Successfully installed tinypack")
    page.locator(".jp-Dialog-footer button").first.click()
    ours.run_all_cells(page)
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text("from my home")

    # Moved aside, not destroyed: the sentence says where.
    run_command(page, "Reset installed packages…")
    accept_button(page).click()
    moved = toast(page, "Your packages are now in ~/.local/trash-")
    expect(moved).to_contain_text("Restart your kernels")
    run_command(page, "Reset installed packages…")
    accept_button(page).click()
    expect(toast(page, "You have installed no packages of your own.")).to_be_visible()
