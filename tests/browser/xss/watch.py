"""What a page with other people's content did: scripts that ran, requests that left, odd markup."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Dialog, Page, Request

POKE = """() => {
  // What a reader may do: point, click and focus, everywhere in the content.
  const kinds = ["mouseover", "pointerenter", "focus", "click", "toggle", "animationstart"];
  for (const element of document.querySelectorAll("main *")) {
    if (element.closest("a[href], form, .ml-copy")) continue;
    for (const kind of kinds) element.dispatchEvent(new Event(kind, { bubbles: true }));
  }
}"""

LOOK = """() => ({
  scripts: [...document.querySelectorAll("main script, main iframe, main object, main embed, main base,"
    + "main meta, main link, main style, main form:not([action^='/services/labs']), main input, main button:not(.ml-copy)")]
    .filter((element) => !element.closest(".ml-lab-acts, .ml-picker"))
    .map((element) => element.outerHTML.slice(0, 200)),
  links: [...document.querySelectorAll("a[href], area[href]")].map((a) => a.protocol)
    .filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol)),
  handlers: [...document.querySelectorAll("main *")].flatMap((element) => element.getAttributeNames()
    .filter((name) => name.startsWith("on") || name.startsWith("hx-on"))),
  ids: [...document.querySelectorAll(".ml-content [id], .ml-output [id]")].map((element) => element.id)
    .filter((id) => !id.startsWith("u-")),
  covers: [...document.querySelectorAll(".ml-content *, .ml-output *")]
    .filter((element) => ["fixed", "sticky", "absolute"].includes(getComputedStyle(element).position))
    .map((element) => element.outerHTML.slice(0, 200)),
  whole: typeof window.htmx === "object" && typeof window.mlShowTimes === "function"
    && document.querySelectorAll("main").length === 1 && document.querySelectorAll("footer").length === 1,
})"""


@dataclass
class Watch:
    """What a page did."""

    sprung: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @classmethod
    def on(cls, page: Page) -> Self:
        """Watch a page from now on."""
        watch = cls()
        page.expose_binding("trap", lambda _source, what: watch.sprung.append(str(what)))
        page.on("dialog", watch._dismiss)
        page.on("request", watch._note)
        page.on("popup", watch._popped)
        return watch

    def check_requests(self, url: str) -> None:
        """Fail unless all that was asked for was read from the labs at `url`."""
        ours = urlsplit(url)
        for request in self.requests:
            address = urlsplit(request.url)
            if address.scheme == "data":
                continue
            assert (address.scheme, address.netloc) == (ours.scheme, ours.netloc), request.url
            assert request.method == "GET", request.url
            assert address.path.startswith("/services/labs"), request.url

    def _dismiss(self, dialog: Dialog) -> None:
        self.sprung.append("dialog")
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def _popped(self, _popup: Page) -> None:
        self.sprung.append("popup")


def check_content(page: Page) -> None:
    """Fail where a page of ours holds what only a script could want."""
    page.evaluate(POKE)
    seen = page.evaluate(LOOK)
    assert seen["scripts"] == []
    assert seen["links"] == []
    assert seen["handlers"] == []
    assert seen["ids"] == []
    assert seen["covers"] == []
    assert seen["whole"], "the page is not what we made"
