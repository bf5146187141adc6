"""What makes a verification say nothing of today: the image, the GPUs, what was taken in.

And how many labs are looked through for it.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partialmethod
from hashlib import sha256

import pytest
from sqlalchemy import event
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, publish

from machinelabs_hub.db.tables.gpus import CardRow
from machinelabs_hub.db.tables.inputs import FetchedRow
from machinelabs_hub.labs.models.verification import Clean, Conditions, Outcome, Verdict
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.verifier import changes, proofs, turn
from machinelabs_hub.labs.services.verify import VerifyService
from machinelabs_hub.labs.storage.verifications import VerificationTable

AT = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://example.org/digits.csv"


def test_another_image_class_of_gpu_or_content_of_an_input_turns_it(
    tools: Tools, viewed_by: As
) -> None:
    lab = publish(viewed_by)
    _, made = VerifyService(tools=tools, viewer=ADA).order(lab)

    def since(**held: object) -> tuple[str, ...]:
        then = replace(Conditions("datascience", "", "", {}), **held)  # type: ignore[arg-type]
        flavour = "gpu-small" if then.gpu else "cpu-small"
        return changes(tools, lab, replace(made, conditions=then, flavour=flavour))

    assert since() == ()
    assert since(image="base") == ("the lab runs in datascience now",)
    assert since(gpu="H100") == ("it would run on GPU",)
    with tools.sessions() as db:
        card = {"model": "H100", "memory_mib": 81559, "changed_at": AT, "seen_at": AT}
        db.add(CardRow(uuid="GPU-a", **card))
        db.add(CardRow(uuid="GPU-b", **card | {"model": "A100", "health": "failed"}))
    assert since(gpu="H100") == ()
    assert since(gpu="A100") == ("it would run on H100",)
    assert since(inputs={URL: "a" * 64}) == ()
    with tools.sessions() as db:
        held = {"sha256": "b" * 64, "size_bytes": 1, "fetched_at": AT, "used_at": AT}
        db.add(
            FetchedRow(url_hash=sha256(URL.encode()).hexdigest(), etag="", last_modified="", **held)
        )
    assert since(inputs={URL: "b" * 64}) == ()
    assert since(inputs={URL: "a" * 64}) == ("an input has other content",)


def test_labs_are_turned_some_at_a_time_each_by_its_last_verification(
    tools: Tools, viewed_by: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        VerificationTable, "proofs", partialmethod(VerificationTable.proofs, limit=1)
    )
    labs = [publish(viewed_by, name=f"lab-{number}") for number in range(4)]

    def verified(number: int, verdict: Verdict, gpu: str = "") -> None:
        _, made = VerifyService(tools=tools, viewer=ADA).order(labs[number])
        held = Conditions("datascience", "", gpu, {})
        assert tools.verifications.settle(made, Outcome(verdict, ""), held, tools.clock())

    def say() -> list[bool | None]:
        table = tools.labs
        return [found.runs_clean for lab in labs if (found := table.find("ada", lab.name))]

    verified(0, Verdict.CLEAN)
    verified(1, Verdict.CLEAN, "H100")
    verified(2, Verdict.CLEAN, "H100")
    verified(2, Verdict.DIFFERS)
    verified(3, Verdict.CLEAN, "H100")
    verified(3, Verdict.CLEAN)
    assert say() == [True, True, False, True]
    assert turn(tools) == 1
    assert say() == [True, None, False, True]
    names = [tools.verifications.lab_of(one) for some in proofs(tools) for one, _ in some]
    assert [lab and lab.name for lab in names] == ["lab-0", "lab-1", "lab-3"]
    assert tools.labs.trash(labs[3], tools.clock())
    assert [len(some) for some in proofs(tools)] == [1, 1]


def test_what_cards_say_is_found_by_the_lab_and_not_among_all_verdicts(
    tools: Tools, viewed_by: As
) -> None:
    lab = publish(viewed_by)
    _, made = VerifyService(tools=tools, viewer=ADA).order(lab)
    held = Conditions("datascience", "", "", {})
    at = tools.clock()
    assert tools.verifications.settle(made, Outcome(Verdict.CLEAN, ""), held, at)
    # As many as a page of labs has: of one alone SQLite would look it up in any case.
    page = [lab.id, *range(1000, 1024)]
    asked: list[tuple[str, tuple[object, ...]]] = []
    with tools.sessions() as db:
        engine = db.get_bind()
    event.listen(
        engine,
        "before_cursor_execute",
        lambda _c, _u, statement, values, *_: asked.append((statement, values)),
    )
    assert tools.verifications.clean(page) == {lab.id: Clean(at, "datascience")}
    assert tools.verifications.clean([lab.id]) == {lab.id: Clean(at, "datascience")}
    assert len(asked) == 1
    if engine.dialect.name != "sqlite":
        return
    statement, values = asked[0]
    with tools.sessions() as db:
        rows = db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        plan = " ".join(row[-1] for row in rows)
    assert "ix_verifications_lab" in plan
    assert "verdict" not in plan
