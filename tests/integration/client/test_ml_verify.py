"""`ml verify` against the real service; the test is the container."""

import json

import pytest
from tests.integration.client.test_ml_runs import World, followed, server, world
from tests.support.content import cell, notebook

__all__ = ["server", "world"]

PRINTED = {"output_type": "stream", "name": "stdout", "text": "42\n"}
SAVED = {**cell("code", "print(x)", "x"), "execution_count": 1, "outputs": [PRINTED]}


@pytest.mark.parametrize(
    ("text", "code", "verdict"), [("42\n", 0, "clean"), ("43\n", 15, "differs")]
)
def test_a_script_can_tell_whether_a_lab_runs_clean(
    world: World, text: str, code: int, verdict: str
) -> None:
    lab = world.lab.path
    world.server.revise(world.lab, {"main.ipynb": notebook([SAVED])})
    thread, ends = followed(world, "verify", f"{lab}@r2", "--follow", "--json")
    container = world.container()
    executed = SAVED | {"outputs": [PRINTED | {"text": text}]}
    container.put("/notebook", notebook([executed]))
    container.end("finished")
    thread.join(30)
    said = json.loads(ends[0].out)
    assert (ends[0].code, said["verdict"], said["run"]) == (code, verdict, f"{lab}#1")
    assert [each["same"] for each in said["cells"]] == ["same" if code == 0 else "differs"]


def test_without_waiting_it_says_where_the_verdict_will_be(world: World) -> None:
    ended = world.ada.ml("verify", world.lab.path)
    assert ended.code == 0, ended.err
    assert f"/services/labs/{world.lab.path}/verify/1" in ended.out
    again = world.ada.ml("verify", world.lab.path)
    assert again.code == 7
    assert "Run #1 verifies r1" in again.err
