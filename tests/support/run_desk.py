"""Runs of a labs service without a Hub: ordered and given a code, for a runner in this process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.labs_service import LabsServer

from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run, RunDraft, RunOutput, RunState
from machinelabs_hub.labs.services.runner import RunnerService, digest
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.tools import Tools

CODE = "shown-once"
TOKEN = "the-token-that-a-container-chose-for-its-own-run"


@dataclass(frozen=True, slots=True)
class RunDesk:
    """What a test asks of the service about one run."""

    server: LabsServer
    lab: Lab
    run: Run

    @property
    def url(self) -> str:
        """Where its runner asks."""
        port = self.server.settings.site.port
        return f"http://127.0.0.1:{port}/services/labs/api/v1/runner/{self.run.id}"

    @property
    def now(self) -> Run:
        """The run as it is now."""
        return self._service.get(self.lab, self.run.number)

    def stop(self) -> None:
        self._service.stop(self.lab, self.run.number)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The events of its log, of these kinds if any are named."""
        reader = self.server.tools.events.reader(self.run.id, after=0)
        found = []
        while lines := reader.read():
            found += [json.loads(line) for line in lines]
        return [event for event in found if not kinds or event["kind"] in kinds]

    def said(self, stream: str = "stdout") -> str:
        """What it printed."""
        return "".join(event["text"] for event in self.events(stream))

    def outputs(self) -> dict[str, RunOutput]:
        return {one.path: one for one in self._service.outputs(self.run, limit=100).items}

    def content(self, output: RunOutput) -> bytes:
        blobs = self.server.tools.blobs
        return b"".join(blobs.read(output.sha256, size=output.size))

    def notebook(self) -> Any:
        """The executed notebook."""
        return json.loads(self.content(self._service.notebook(self.now)))

    @property
    def _service(self) -> RunService:
        return RunService(tools=self.server.tools, viewer=Person("ada", "ada"))


def ordered(server: LabsServer, files: Mapping[str, bytes], **draft: Any) -> RunDesk:
    """Publish these files as ada's and order a run of them, which has a code."""
    lab = server.publish("ada", files)
    service = RunService(tools=server.tools, viewer=Person("ada", "ada"))
    run = service.order(lab, RunDraft(**draft))
    assert server.tools.runs.set_code(run, digest(CODE))
    return RunDesk(server, lab, run)


def ended_run(server: LabsServer, outputs: dict[str, bytes]) -> int:
    """A finished run of ada/lab that put these files out."""
    lab = server.tools.labs.find("ada", "lab")
    assert lab is not None
    return ended(server.tools, lab, outputs).number


def ended(tools: Tools, lab: Lab, outputs: dict[str, bytes]) -> Run:
    """A finished run of one of ada's labs that put these files out."""
    ada = Person("ada", "Ada")
    run = RunService(tools=tools, viewer=ada).order(lab, RunDraft())
    assert tools.runs.set_code(run, digest("code"))
    assert tools.runs.start(run, tools.clock())
    runner = RunnerService(tools=tools)
    runner.exchange(run.id, "code", TOKEN)
    run = runner.run_of(run.id, TOKEN)
    for path, content in outputs.items():
        with runner.writer() as writer:
            writer.write(content)
            runner.keep(run, path, writer, "")
    runner.end(run, RunState.FINISHED, None)
    return RunService(tools=tools, viewer=ada).get(lab, run.number)
