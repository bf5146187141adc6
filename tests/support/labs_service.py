"""The real labs service in this process: its own app, database and stores, behind a real port.

There is no Hub behind it, so everybody who looks is anonymous, but for whom `seen_as` signs in;
people publish through the services.
"""

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvicorn
from fastapi import FastAPI, Request
from tests.support.content import tar_of
from tests.support.places import free_port

from machinelabs_hub.db import migrate
from machinelabs_hub.labs import security
from machinelabs_hub.labs.app import create_app
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.identity import Identities
from machinelabs_hub.labs.models.lab import Lab, LabDraft, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.services.forks import ForkService
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.settings import Database, Limits, Plans, Runs, Settings, Site
from machinelabs_hub.sites import Addresses, Files, database_url

if TYPE_CHECKING:
    from machinelabs_hub.labs.context import Parts


@dataclass(frozen=True, slots=True)
class LabsServer:
    """A labs service that runs."""

    app: FastAPI
    settings: Settings

    @property
    def url(self) -> str:
        """Where browsers find the labs."""
        return Addresses(self.settings).labs

    @property
    def tools(self) -> Tools:
        return cast("Parts", self.app.state.parts).tools

    def seen_as(self, *people: Person, **others: Person) -> None:
        """Sign in whoever's name stands in a request's header `X-As`, with a CSRF token `-`.

        Programs have it as their token.

        `others` stand there under a name of their own: one person's second token. Only what the
        Hub would say of a token is left out; all else is as in a site.
        """
        known = {person.name: person for person in people} | others
        parts = replace(cast("Parts", self.app.state.parts), identities=_Tokens(known))
        self.app.state.parts = parts

        def context(request: Request) -> Context:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            name = request.headers.get("x-as", "") or (token if token in known else "")
            ctx = Context(
                person=known[name] if name else None,
                tools=parts.tools,
                hub=parts.hub,
                csrf_token="-" if name else "",
                nonce=request.scope.get("nonce", ""),
            )
            request.state.ctx = ctx
            return ctx

        self.app.dependency_overrides[security.context] = context

    def publish(
        self,
        owner: str,
        files: Mapping[str, bytes],
        *,
        executable: Collection[str] = (),
        **details: object,
    ) -> Lab:
        """Publish a public lab as `owner`."""
        said = {"title": "Untitled", "visibility": Visibility.PUBLIC} | details
        service = LabService(tools=self.tools, viewer=Person(owner, owner))
        tar = tar_of(files, executable=executable)
        return service.publish(LabDraft(**said), tar)  # type: ignore[arg-type]

    def revise(self, lab: Lab, files: Mapping[str, bytes], message: str = "") -> Revision:
        """Publish the next revision of a lab as its owner."""
        service = RevisionService(tools=self.tools, viewer=Person(lab.owner, lab.owner))
        return service.publish(
            lab.owner, lab.name, base=None, message=message, files=tar_of(files)
        )[0]

    def fork(self, person: str, lab: Lab) -> Lab:
        """Fork a lab as `person`."""
        service = ForkService(tools=self.tools, viewer=Person(person, person))
        return service.fork(lab.owner, lab.name)[0]


class _Tokens(Identities):
    """What the Hub would say of tokens: each is somebody's name."""

    def __init__(self, known: Mapping[str, Person]) -> None:
        self._people = known

    async def person_of(self, token: str) -> Person | None:
        return self._people.get(token)


@contextmanager
def labs_server(
    data: Path, *, plans: Plans | None = None, runs: Runs | None = None, **limits: int
) -> Iterator[LabsServer]:
    """Run a labs service on a free port, with its files in `data` and these limits."""
    often = {"publishes_per_hour": 100_000, "requests_per_minute": 1_000_000}
    # What a power cut may take does not matter here, and syncing each publish takes its time.
    database = Database(durable=False)
    settings = Settings(
        data=data,
        site=Site(port=free_port()),
        limits=Limits(**often | limits),
        database=database,
        plans=plans or Plans(),
        runs=runs or Runs(),
    )
    secrets = Files(data).secrets
    secrets.mkdir(parents=True, exist_ok=True)
    for name in ("labs_api_token", "labs_seal_key", "sampler_token", "run_ticket_key"):
        (secrets / name).write_text(f"{name}-of-a-test")
    migrate.upgrade(database_url(settings))
    app = create_app(settings)
    config = uvicorn.Config(app, host="127.0.0.1", port=settings.site.port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the labs service did not start")
            time.sleep(0.02)
        yield LabsServer(app, settings)
    finally:
        server.should_exit = True
        thread.join()
