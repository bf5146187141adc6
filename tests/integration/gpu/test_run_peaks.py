"""What GPU memory a run used, by the real sampler's word on its container."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.content import cell, notebook, tar_of
from tests.support.fake_nvml import FakeNvml, FakeProcess
from tests.support.sampler import RunningSampler
from tests.support.spinner import spinner

from machinelabs_hub import tickets
from machinelabs_hub.db import migrate
from machinelabs_hub.db.tables.gpus import ClaimRow
from machinelabs_hub.labs.models.lab import LabDraft
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import RunDraft, RunState
from machinelabs_hub.labs.services.gpu_peaks import measure
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.needs import measured
from machinelabs_hub.labs.services.runner import digest
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.sites import database_url

ADA = Person("ada", "ada", admin=True)


@pytest.mark.engine
def test_the_most_that_its_container_held_is_kept_when_it_is_over(
    nvml: FakeNvml, sampler: RunningSampler, tmp_path: Path
) -> None:
    migrate.upgrade(database_url(sampler.settings))
    tools = Tools.of(sampler.settings)
    files = tar_of({"main.ipynb": notebook([cell("code", "1", "a")])})
    lab = LabService(tools=tools, viewer=ADA).publish(LabDraft(title="Big"), files)
    run = RunService(tools=tools, viewer=ADA).order(lab, RunDraft())
    with spinner(tmp_path) as spun, tools.sessions() as db:
        held = {"user": "ada", "server": tickets.server_of(run.id), "flavour": "gpu-small"}
        at = datetime.now(UTC)
        db.add(ClaimRow(id="claim", container=spun.container, granted_at=at, **held))
        db.commit()
        for memory in (900, 2100, 400):
            nvml.cards[1].processes = [FakeProcess(spun.pid, memory_mib=memory, sm=55)]
            nvml.tell()
            sampler.next_sample()
    asked: set[int] = set()
    measure(tools, asked)
    assert not asked
    assert tools.runs.set_code(run, digest("x"))
    assert tools.runs.exchange(run, code_hash=digest("x"), token_hash="t", at=at)
    running = tools.runs.get(run.id)
    assert running is not None
    assert tools.runs.end(running, RunState.FINISHED, None, datetime.now(UTC))
    tools.run_peaks.raise_to(run.id, memory_mib=500)
    measure(tools, asked)
    needs = measured(tools, ADA, lab)
    assert needs is not None
    assert (needs.memory_mib, needs.gpu_memory_mib) == (500, 2100)
    assert asked == {run.id}
    tools.close()
