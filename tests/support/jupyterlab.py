"""JupyterLab with our extension as a person drives it: the panel, the dialogs, the toasts."""

from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect
from tests.support import browser as ours
from tests.support.notebook_server import TOKEN, NotebookServer

BOOK: dict[str, Any] = {
    "cells": [
        {
            "cell_type": "code", "id": "c1", "source": "print(6 * 7)", "execution_count": None,
            "metadata": {}, "outputs": [],
        }
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


def opened(
    chromium: Browser, server: NotebookServer, path: str = "", *, dark: bool = False
) -> Page:
    """Open JupyterLab of a server of this machine on the file `path`."""
    page = ours.new_person(chromium, dark=dark).new_page()
    page.goto(f"{server.url}/lab{path and f'/tree/{path}'}?reset&token={TOKEN}")
    ours.wait_for_lab(page)
    return page


def dialog_field(page: Page, label: str) -> Locator:
    """Return the input of the publish dialog that stands under `label`."""
    return page.locator(f".jp-MachineLabs-field:has-text('{label}') >> input")


def accept_button(page: Page) -> Locator:
    """Return the button of the open dialog that does what its title says."""
    return page.locator(".jp-Dialog-footer .jp-mod-accept")


def standing(page: Page) -> Locator:
    """Return the status item `owner/lab · r3 · 2 changed`."""
    return page.locator(".jp-MachineLabs-status")


def toast(page: Page, words: str) -> Locator:
    """Return the notification that says `words`."""
    return page.locator(".Toastify__toast", has_text=words)


def open_panel(page: Page, tab: str) -> None:
    """Show one list of the Labs panel."""
    if not page.locator("#machinelabs-panel").is_visible():
        page.locator('li[data-id="machinelabs-panel"]').click()
    page.get_by_role("tab", name=tab, exact=True).click()


def run_command(page: Page, label: str) -> None:
    """Run a command by the palette."""
    # By its menu: a key that is pressed before JupyterLab knows its shortcuts does nothing.
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Activate Command Palette").click()
    palette = page.locator("#modal-command-palette, #command-palette").first
    palette.locator("input").fill(label)
    expect(palette.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text(label)
    page.keyboard.press("Enter")
