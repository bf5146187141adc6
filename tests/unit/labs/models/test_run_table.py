"""The table of a lab's runs has so many columns, whatever the code of each run names."""

from datetime import UTC, datetime

from machinelabs_hub.labs.models.run import Run, RunState
from machinelabs_hub.labs.models.run_table import MOST_COLUMNS, table_of

AT = datetime(2026, 1, 1, tzinfo=UTC)


def run(number: int) -> Run:
    return Run(
        id=number,
        lab_id=1,
        number=number,
        lab="ada/digits",
        person="ada",
        name="",
        note="",
        revision=1,
        path="main.ipynb",
        image="datascience",
        image_id="",
        flavour="small",
        parameters={"rate": 0.1},
        state=RunState.FINISHED,
        is_settled=True,
        created_at=AT,
        started_at=AT,
        running_at=AT,
        ended_at=AT,
        silent_since=None,
        stop_at=None,
        stop_by="",
        reason=None,
        is_to_hold=False,
        held_until=None,
        notebook="",
        notebook_bytes=0,
        hidden_at=None,
    )


def test_names_that_each_run_has_for_itself_are_no_columns_without_end() -> None:
    runs = [run(number) for number in range(20)]
    last = {one.id: {f"m{one.id}-{at}": 1.0 for at in range(1000)} | {"z": 2.0} for one in runs}
    told = {one.id: {f"p{one.id}-{at}": "x" for at in range(1000)} for one in runs}
    head, *rows = table_of(runs, told, last)
    assert len(head) == 7 + 2 * MOST_COLUMNS
    assert {len(row) for row in rows} == {len(head)}
    assert (head[-1], [row[-1] for row in rows]) == ("metric z", [2.0] * 20)
    assert "param rate" in head
