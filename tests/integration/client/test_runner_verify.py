"""A notebook executed, published and verified, by real kernels against the real service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.client.test_runner import executed
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, RunDesk, ordered

from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.verification import Same, Verdict
from machinelabs_hub.labs.services.run_publish import RunPublishService
from machinelabs_hub.labs.services.runner import digest
from machinelabs_hub.labs.services.verifier import settle
from machinelabs_hub.labs.services.verify import VerifyService

pytestmark = pytest.mark.timeout(180)
ADA = Person("ada", "ada")
DRAWN = """import struct, zlib, random
from IPython.display import Image
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\\0" + bytes((x * y) % 250 + random.randrange(2) for x in range(270))
                for y in range(90))
head = struct.pack(">IIBBBBB", 90, 90, 8, 2, 0, 0, 0)
Image(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
      + chunk(b"IEND", b""))"""
STEADY = """import sys, tempfile, time
print(object(), time.ctime())
print('warned', time.time(), file=sys.stderr)
print(tempfile.mkdtemp())"""
CELLS = (
    "epochs = 2",
    STEADY,
    "import random\nprint('loss', 0.25 + random.random() * 1e-5, 'after', epochs, 'epochs')",
    DRAWN,
    "import os\nos.getpid()",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as one:
        yield one


async def test_what_a_kernel_did_is_published_and_compared_with_what_another_does(
    server: LabsServer, tmp_path: Path
) -> None:
    cells = [cell("code", source, f"c{at}") for at, source in enumerate(CELLS)]
    cells[0]["metadata"]["tags"] = ["parameters"]
    desk = ordered(server, {"main.ipynb": notebook(cells)}, parameters={"epochs": 7})
    assert (await executed(desk, tmp_path / "first")).state == "finished"
    publishing = RunPublishService(tools=server.tools, viewer=ADA)
    made, _ = publishing.publish(desk.lab, desk.run.number)
    lab = server.tools.labs.find("ada", desk.lab.name)
    assert lab is not None
    assert (made.number, lab.revision) == (2, 2)

    run, _ = VerifyService(tools=server.tools, viewer=ADA).order(lab)
    assert run.parameters == {"epochs": 7}
    assert server.tools.runs.set_code(run, digest(CODE))
    assert (await executed(RunDesk(server, lab, run), tmp_path / "second")).state == "finished"
    settle(server.tools)
    found = server.tools.verifications.find(lab, run.number)
    assert found is not None
    # A number of a process is another each time, and a whole number must be equal.
    assert [each.same for each in found.cells] == [
        Same.SAME, Same.SAME, Same.SAME, Same.NEAR, Same.NEAR, Same.DIFFERS,
    ]  # fmt: skip
    assert found.verdict is Verdict.DIFFERS
    assert found.sentence == "Cell 6 shows something else than in the revision."
