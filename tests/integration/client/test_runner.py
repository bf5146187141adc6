"""The program inside a run's container, against a real labs service; its kernels are real too."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.content import cell, notebook
from tests.support.cuttable_link import cuttable
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, RunDesk, ordered

from machinelabs.runner import keeper
from machinelabs.runner.run import Run
from machinelabs.runner.service import Dismissed, Service
from machinelabs.runner.words import Ended
from machinelabs_hub.run_settings import Runs

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as one:
        yield one


async def executed(desk: RunDesk, folder: Path, *, url: str = "", grace: float = 10) -> Ended:
    """Run a desk's run to its end."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else goes on here yet
    service = Service(url or desk.url)
    try:
        return await Run(service, folder, grace=grace).run(CODE)
    finally:
        await service.close()


def nb(*sources: str, tags: tuple[str, ...] = ()) -> bytes:
    cells = [cell("code", source, f"c{at}") for at, source in enumerate(sources)]
    if tags:
        cells[0]["metadata"]["tags"] = list(tags)
    return notebook(cells)


async def until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.05)


# Notebooks.


async def test_a_notebook_is_executed_and_its_outputs_are_kept(
    server: LabsServer, tmp_path: Path
) -> None:
    desk = ordered(
        server,
        {
            "main.ipynb": nb(
                "import pathlib, model\nprint('epoch 1')",
                "folder = pathlib.Path('outputs/deep')\nfolder.mkdir(parents=True)\n"
                "(folder / 'w.bin').write_bytes(bytes(300_000))\nmodel.N",
            ),
            "model.py": b"N = 41 + 1\n",
            "outputs/brought.txt": b"brought along",
        },
    )
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.now.state == "finished"
    assert desk.said() == "epoch 1\n"
    states = [(one["cell"], one["state"]) for one in desk.events("cell")]
    assert states == [(0, "running"), (0, "done"), (1, "running"), (1, "done")]
    assert desk.events("cell")[0]["title"] == "import pathlib, model"
    (shown,) = desk.events("output")
    assert shown["output"]["data"] == {"text/plain": "42"}
    assert list(desk.outputs()) == ["deep/w.bin"]
    assert desk.content(desk.outputs()["deep/w.bin"]) == bytes(300_000)
    first, second = desk.notebook()["cells"]
    assert first["outputs"] == [{"output_type": "stream", "name": "stdout", "text": ["epoch 1\n"]}]
    assert second["execution_count"] == 2
    numbers = [event["n"] for event in desk.events()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_parameters_come_after_the_cell_that_has_their_defaults(
    server: LabsServer, tmp_path: Path
) -> None:
    desk = ordered(
        server,
        {"main.ipynb": nb("rate = 0.1\nname = 'x'", "print(rate, name)", tags=("parameters",))},
        parameters={"rate": "0.5", "name": 'a "b"'},
    )
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said() == '0.5 a "b"\n'
    injected = desk.notebook()["cells"][1]
    assert injected["metadata"]["tags"] == ["injected-parameters"]


async def test_an_exception_is_a_failure_with_its_cell_and_traceback(
    server: LabsServer, tmp_path: Path
) -> None:
    desk = ordered(
        server, {"main.ipynb": nb("1", "def f():\n    raise ValueError('no data')\nf()", "2")}
    )
    assert (await executed(desk, tmp_path / "run")).state == "failed"
    reason = desk.now.reason
    assert reason
    assert reason.sentence == "Cell 2 raised ValueError: no data"
    assert (reason.cell, reason.ename, reason.evalue) == (1, "ValueError", "no data")
    assert "ValueError" in reason.traceback[-1]
    assert desk.notebook()["cells"][1]["outputs"][0]["output_type"] == "error"
    assert desk.notebook()["cells"][2]["execution_count"] is None


async def test_a_kernel_that_dies_is_a_failure(server: LabsServer, tmp_path: Path) -> None:
    desk = ordered(
        server,
        {
            "main.ipynb": nb(
                "print('so far', flush=True)\nimport os, time\ntime.sleep(.5)\nos._exit(3)"
            )
        },
    )
    assert (await executed(desk, tmp_path / "run")).state == "failed"
    assert desk.now.reason
    assert desk.now.reason.sentence == "The notebook's kernel ended by itself."
    assert desk.said() == "so far\n"


async def test_a_file_that_is_no_notebook_is_a_failure(server: LabsServer, tmp_path: Path) -> None:
    # The service has looked at what it is told to run; what it cannot know is told by the runner.
    desk = ordered(
        server,
        {
            "main.ipynb": notebook(
                [cell("code", "1", "a")],
                kernelspec={"name": "ir", "display_name": "R", "language": "R"},
            )
        },
    )
    assert (await executed(desk, tmp_path / "run")).state == "failed"
    assert desk.now.reason
    assert desk.now.reason.sentence == "This image has no kernel called “ir”."


async def test_displays_are_updated_and_cleared(server: LabsServer, tmp_path: Path) -> None:
    desk = ordered(
        server,
        {
            "main.ipynb": nb(
                "from IPython.display import display, clear_output\n"
                "shown = display('first', display_id=True)\nshown.update('second')",
                "print('old')\nclear_output(wait=True)\nprint('new')",
                "for i in range(5):\n    print(f'\\r{i}', end='')",
            )
        },
    )
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    (shown,), (updated,) = desk.events("output"), desk.events("update")
    assert shown["display_id"] == updated["display_id"]
    assert updated["output"]["data"]["text/plain"] == "'second'"
    assert [event["wait"] for event in desk.events("clear")] == [True]
    cells = desk.notebook()["cells"]
    assert cells[0]["outputs"][0]["data"]["text/plain"] == ["'second'"]
    assert cells[1]["outputs"][0]["text"] == ["new\n"]
    assert cells[2]["outputs"][0]["text"] == ["4"]
    assert desk.said() == "old\nnew\n\r0\r1\r2\r3\r4"


async def test_what_is_printed_is_there_soon(server: LabsServer, tmp_path: Path) -> None:
    desk = ordered(
        server,
        {
            "main.ipynb": nb(
                "import time\nfor _ in range(20):\n    print(time.time())\n    time.sleep(.1)"
            )
        },
    )
    running = asyncio.create_task(executed(desk, tmp_path / "run"))
    late: list[float] = []
    while not running.done():
        lines = desk.said().split()
        late += [time.time() - float(line) for line in lines[len(late) :]]
        await asyncio.sleep(0.01)
    assert (await running).state == "finished"
    assert len(late) == 20
    assert sorted(late)[18] < 0.3


# Scripts.


async def test_a_script_is_executed_with_its_parameters(server: LabsServer, tmp_path: Path) -> None:
    desk = ordered(
        server,
        {"main.py": b"import sys\nprint(*sys.argv[1:])\nprint('warned', file=sys.stderr)\n"},
        parameters={"rate": "0.5"},
    )
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said() == "--rate=0.5\n"
    assert desk.said("stderr") == "warned\n"


async def test_a_script_gets_what_ml_yaml_declares_also_where_nothing_was_said(
    server: LabsServer, tmp_path: Path
) -> None:
    said = b"parameters:\n  - {name: epochs, default: 3}\n  - {name: fast, default: no}\n"
    code = b"import sys\nprint(*sys.argv[1:])\n"
    desk = ordered(server, {"main.py": code, "ml.yaml": said}, parameters={"fast": "yes"})
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said() == "--epochs=3 --fast=true\n"


async def test_a_script_that_raises_is_a_failure(server: LabsServer, tmp_path: Path) -> None:
    desk = ordered(server, {"main.py": b"print('a')\nraise KeyError('x')\n"})
    assert (await executed(desk, tmp_path / "run")).state == "failed"
    assert desk.now.reason
    assert desk.now.reason.sentence == "The script raised KeyError: 'x'"
    assert desk.now.reason.traceback[0] == "Traceback (most recent call last):"


async def test_every_byte_of_a_hundred_thousand_lines_arrives(
    server: LabsServer, tmp_path: Path
) -> None:
    desk = ordered(server, {"main.py": b"for i in range(100_000):\n    print(i, 'x' * 40)\n"})
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert desk.said() == "".join(f"{i} {'x' * 40}\n" for i in range(100_000))


async def test_what_a_full_log_would_not_keep_is_not_sent(tmp_path: Path) -> None:
    work = (
        b"import pathlib\npathlib.Path('outputs').mkdir()\nfor _ in range(60):\n"
        b"    print('x' * 1_000_000)\npathlib.Path('outputs/end.txt').write_text('end')\n"
    )
    with labs_server(tmp_path / "data", runs=Runs(log_mib=1)) as small:
        desk = ordered(small, {"main.py": work})
        assert (await executed(desk, tmp_path / "run")).state == "finished"
        (note,) = desk.events("note")
        assert note["full"]
        # 60 MB are some 1,900 events.
        assert small.tools.events.following(desk.run.id) < 900
        assert list(desk.outputs()) == ["end.txt"]


# Stop.


@pytest.mark.parametrize("path", ["main.ipynb", "main.py"])
async def test_a_run_that_is_stopped_keeps_what_it_made(
    server: LabsServer, tmp_path: Path, path: str
) -> None:
    work = (
        "import pathlib, time\npathlib.Path('outputs').mkdir()\n"
        "pathlib.Path('outputs/half.txt').write_text('half')\nprint('made', flush=True)\ntime.sleep(60)"
    )
    desk = ordered(server, {path: nb(work) if path.endswith("b") else work.encode()})
    running = asyncio.create_task(executed(desk, tmp_path / "run"))
    await until(lambda: "made" in desk.said())
    desk.stop()
    began = time.monotonic()
    assert (await running).state == "stopped"
    assert time.monotonic() - began < 8
    assert desk.now.state == "stopped"
    assert list(desk.outputs()) == ["half.txt"]


async def test_no_cell_is_begun_after_the_order_to_stop(server: LabsServer, tmp_path: Path) -> None:
    swallows = (
        "import time\nprint('on')\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"
    )
    desk = ordered(server, {"main.ipynb": nb(swallows, "print('next')")})
    running = asyncio.create_task(executed(desk, tmp_path / "run"))
    await until(lambda: "on" in desk.said())
    desk.stop()
    assert (await running).state == "stopped"
    assert desk.said() == "on\n"


async def test_a_run_that_is_stopped_before_its_code_begins_does_not_begin(
    server: LabsServer, tmp_path: Path
) -> None:
    desk = ordered(server, {"main.py": b"print('on')\n"})
    service = Service(desk.url)
    run = Run(service, tmp_path / "run")
    run.stop()
    assert (await run.run(CODE)).state == "stopped"
    await service.close()
    assert not desk.events("stdout")


async def test_code_that_ignores_the_order_to_stop_is_killed(
    server: LabsServer, tmp_path: Path
) -> None:
    work = b"import signal, time\nfor s in (2, 15):\n    signal.signal(s, signal.SIG_IGN)\n"
    desk = ordered(server, {"main.py": work + b"print('on', flush=True)\ntime.sleep(60)\n"})
    running = asyncio.create_task(executed(desk, tmp_path / "run", grace=1))
    await until(lambda: "on" in desk.said())
    desk.stop()
    assert (await running).state == "stopped"
    assert any("killed" in note["text"] for note in desk.events("note"))


async def test_outputs_are_kept_while_the_code_runs_and_taken_back_when_it_deletes_them(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(keeper, "REST_SECONDS", 0.3)
    made = (
        "import pathlib, time\nouts = pathlib.Path('outputs')\nouts.mkdir()\n"
        "(outs / 'kept').write_text('1')\n(outs / 'gone').write_text('2')\nprint('made')"
    )
    waits = (
        "end = time.time() + 60\n"
        "while time.time() < end and not pathlib.Path('go').exists():\n    time.sleep(.05)"
    )
    changed = "(outs / 'gone').unlink()\n(outs / 'kept').write_text('3')"
    desk = ordered(server, {"main.ipynb": nb(made, waits, changed)})
    running = asyncio.create_task(executed(desk, tmp_path / "run"))
    await until(lambda: set(desk.outputs()) == {"kept", "gone"})
    # The notebook is sent as it stands: at first perhaps before the cell has printed.
    await until(lambda: desk.now.notebook and desk.notebook()["cells"][0]["outputs"])
    assert desk.notebook()["cells"][0]["outputs"][0]["text"] == ["made\n"]
    (tmp_path / "run" / "go").touch()
    assert (await running).state == "finished"
    assert list(desk.outputs()) == ["kept"]
    assert desk.content(desk.outputs()["kept"]) == b"3"
    assert desk.notebook()["cells"][2]["execution_count"] == 3


# What goes wrong around it.


async def test_nothing_is_lost_or_doubled_while_the_service_is_away_again_and_again(
    server: LabsServer, tmp_path: Path
) -> None:
    work = (
        b"import time, pathlib\npathlib.Path('outputs').mkdir()\n"
        b"pathlib.Path('outputs/big').write_bytes(bytes(20_000_000))\n"
        b"for i in range(3000):\n    print(i)\n    time.sleep(.001)\n"
    )
    desk = ordered(server, {"main.py": work})
    port = server.settings.site.port
    async with cuttable(port) as link:
        url = desk.url.replace(f":{port}/", f":{link.port}/")
        running = asyncio.create_task(executed(desk, tmp_path / "run", url=url))
        while not running.done():
            await asyncio.sleep(0.4)
            link.cut()
            await asyncio.sleep(0.3)
            link.mend()
        assert (await running).state == "finished"
    assert desk.said() == "".join(f"{i}\n" for i in range(3000))
    assert desk.now.state == "finished"
    assert desk.outputs()["big"].size == 20_000_000


async def test_a_code_is_good_once(server: LabsServer, tmp_path: Path) -> None:
    desk = ordered(server, {"main.py": b"print(1)\n"})
    await executed(desk, tmp_path / "run")
    with pytest.raises(Dismissed):
        await executed(desk, tmp_path / "again")


async def test_a_code_is_shown_again_where_the_answer_was_lost(
    server: LabsServer, tmp_path: Path
) -> None:
    desk = ordered(server, {"main.py": b"print('once')\n"})
    port = server.settings.site.port
    async with cuttable(port) as link:
        link.answers_to_lose = 2
        url = desk.url.replace(f":{port}/", f":{link.port}/")
        assert (await executed(desk, tmp_path / "run", url=url)).state == "finished"
        assert link.answers_to_lose == 0
    assert desk.said() == "once\n"


async def test_links_out_of_the_outputs_are_not_followed(
    server: LabsServer, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("not yours")
    work = (
        f"import os\nos.makedirs('outputs/in')\nos.symlink({str(tmp_path / 'secret')!r}, 'outputs/a')\n"
        f"os.symlink({str(tmp_path)!r}, 'outputs/b')\nos.mkfifo('outputs/pipe')\n"
        "open('outputs/in/own.txt', 'w').write('mine')\n"
    )
    desk = ordered(server, {"main.py": work.encode()})
    assert (await executed(desk, tmp_path / "run")).state == "finished"
    assert list(desk.outputs()) == ["in/own.txt"]
    notes = [note["text"] for note in desk.events("note")]
    assert "outputs/a is not kept: it is a link, or no plain file." in notes
    assert "outputs/pipe is not kept: it is a link, or no plain file." in notes
