"""What is done for a run next: by what it said, by what the Hub says, and never by a guess."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from machinelabs_hub.labs.models.run import Run, RunState
from machinelabs_hub.labs.models.run_steps import (
    GONE,
    MUTE,
    OBEY,
    REPORT,
    SILENT,
    TRIES,
    Facts,
    Seen,
    Step,
    asks_hub,
    places,
    step,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG = timedelta(hours=1)
MOMENT = timedelta(seconds=1)
FINAL = [state for state in RunState if state.is_final]


def a_run(state: RunState, **more: Any) -> Run:
    made = Run(
        id=7,
        lab_id=1,
        number=3,
        lab="ada/digits",
        person="bob",
        name="",
        note="",
        revision=1,
        path="main.ipynb",
        image="base",
        image_id="",
        flavour="cpu-small",
        parameters={},
        state=state,
        is_settled=False,
        created_at=NOW - LONG,
        started_at=None,
        running_at=None,
        ended_at=None,
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
    return replace(made, **more)


def next_of(
    state: RunState, seen: Seen, *, run: dict[str, Any] | None = None, **facts: Any
) -> Step:
    told = Facts(a_run(state, **run or {}), seen, **{"since": NOW} | facts)
    return step(told, NOW)


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_hub_that_does_not_answer_ends_nothing(state: RunState, *, is_stopped: bool) -> None:
    """Law 5: unknown is not gone. Only a run that never began may be stopped without the Hub."""
    run = {"stop_at": NOW - LONG if is_stopped else None}
    found = next_of(
        state, Seen.UNKNOWN, run=run, since=NOW - LONG, has_turn=True, why="x", tries=TRIES
    )
    allowed = {Step.NOTHING, Step.HUSH}
    if state is RunState.QUEUED and is_stopped:
        allowed = {Step.STOPPED}
    assert found in allowed


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (Seen.READY, Step.REMOVE),
        (Seen.PENDING, Step.REMOVE),
        (Seen.IDLE, Step.REMOVE),
        (Seen.ABSENT, Step.SETTLE),
        (Seen.UNKNOWN, Step.NOTHING),
    ],
)
def test_a_run_that_is_over_is_settled_when_its_server_is_gone(
    state: RunState, seen: Seen, wanted: Step
) -> None:
    assert next_of(state, seen) is wanted
    assert next_of(state, seen, run={"is_settled": True}) is Step.NOTHING


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("seen", list(Seen))
def test_a_final_state_never_changes(state: RunState, seen: Seen) -> None:
    run = {"stop_at": NOW - LONG, "silent_since": NOW - LONG}
    found = next_of(state, seen, run=run, since=NOW - LONG, gone_since=NOW - LONG, why="x")
    assert found in {Step.NOTHING, Step.REMOVE, Step.SETTLE}


def test_a_run_that_is_held_keeps_its_server_until_its_time_is_over_or_it_is_stopped() -> None:
    held = {"held_until": NOW + MOMENT, "is_to_hold": True}
    for seen in (Seen.READY, Seen.PENDING, Seen.UNKNOWN):
        assert next_of(RunState.FAILED, seen, run=held) is Step.NOTHING
    assert next_of(RunState.FAILED, Seen.IDLE, run=held) is Step.REMOVE
    assert next_of(RunState.FAILED, Seen.ABSENT, run=held) is Step.SETTLE
    over = held | {"held_until": NOW}
    assert next_of(RunState.FAILED, Seen.READY, run=over) is Step.REMOVE
    stopped = held | {"stop_at": NOW}
    assert next_of(RunState.FAILED, Seen.READY, run=stopped) is Step.REMOVE


def test_the_hub_is_asked_for_a_held_run_only_once_that_is_silent() -> None:
    held = a_run(RunState.FAILED, held_until=NOW + LONG)
    assert not asks_hub(held, NOW, NOW, has_turn=False)
    assert asks_hub(held, NOW - LONG, NOW, has_turn=False)
    assert asks_hub(replace(held, held_until=NOW), NOW, NOW, has_turn=False)
    assert asks_hub(replace(held, stop_at=NOW), NOW, NOW, has_turn=False)


def test_a_waiting_run_starts_when_it_is_its_turn() -> None:
    assert next_of(RunState.QUEUED, Seen.ABSENT) is Step.NOTHING
    assert next_of(RunState.QUEUED, Seen.ABSENT, has_turn=True) is Step.START
    assert next_of(RunState.QUEUED, Seen.IDLE, has_turn=True) is Step.START


def test_a_waiting_run_whose_server_is_there_already_is_not_started_twice() -> None:
    for seen in (Seen.PENDING, Seen.READY):
        assert next_of(RunState.QUEUED, seen, has_turn=True) is Step.ADOPT


def test_a_start_that_failed_ends_the_run_with_the_hubs_sentence() -> None:
    found = next_of(RunState.STARTING, Seen.IDLE, why="No such image.", gone_since=NOW)
    assert found is Step.FAIL


def test_a_start_that_the_hub_forgot_is_asked_for_again_and_not_for_ever() -> None:
    told: dict[str, Any] = {"gone_since": NOW - GONE}
    assert next_of(RunState.STARTING, Seen.ABSENT, gone_since=NOW) is Step.NOTHING
    assert next_of(RunState.STARTING, Seen.ABSENT, **told, tries=TRIES - 1) is Step.START
    assert next_of(RunState.STARTING, Seen.ABSENT, **told, tries=TRIES) is Step.FAIL


def test_a_container_that_never_tells_of_itself_fails() -> None:
    late = NOW - REPORT - MOMENT
    assert next_of(RunState.STARTING, Seen.READY, since=late) is Step.FAIL
    assert next_of(RunState.STARTING, Seen.PENDING, since=late) is Step.NOTHING
    assert next_of(RunState.STARTING, Seen.READY, since=NOW) is Step.NOTHING


def test_a_start_under_way_can_be_stopped() -> None:
    run = {"stop_at": NOW}
    assert next_of(RunState.STARTING, Seen.PENDING, run=run) is Step.REMOVE
    assert next_of(RunState.STARTING, Seen.ABSENT, run=run) is Step.STOPPED


def test_a_run_that_talks_goes_on_whatever_the_hub_says() -> None:
    for seen in Seen:
        found = next_of(RunState.RUNNING, seen, since=NOW - MOMENT, gone_since=NOW - LONG)
        assert found is Step.NOTHING


def test_a_silent_run_is_out_of_contact_as_long_as_its_server_may_be_there() -> None:
    since = NOW - SILENT - MOMENT
    for seen in (Seen.UNKNOWN, Seen.PENDING, Seen.READY):
        assert next_of(RunState.RUNNING, seen, since=since) is Step.HUSH
        known = {"silent_since": since}
        assert next_of(RunState.RUNNING, seen, since=since, run=known) is Step.NOTHING


def test_a_silent_run_whose_server_is_gone_for_certain_is_lost() -> None:
    since = NOW - MUTE
    assert next_of(RunState.RUNNING, Seen.ABSENT, since=since, gone_since=NOW) is Step.NOTHING
    gone: dict[str, Any] = {"gone_since": NOW - GONE}
    assert next_of(RunState.RUNNING, Seen.ABSENT, since=since, **gone) is Step.LOSE
    assert next_of(RunState.RUNNING, Seen.IDLE, since=since, **gone) is Step.LOSE


def test_a_run_that_was_ordered_to_stop_and_is_gone_is_stopped_not_lost() -> None:
    told: dict[str, Any] = {"since": NOW - MUTE, "gone_since": NOW - GONE}
    assert next_of(RunState.RUNNING, Seen.ABSENT, run={"stop_at": NOW}, **told) is Step.STOPPED


def test_a_run_that_does_not_obey_is_removed() -> None:
    late = {"stop_at": NOW - OBEY - MOMENT}
    assert next_of(RunState.RUNNING, Seen.READY, run={"stop_at": NOW - OBEY}) is Step.NOTHING
    assert next_of(RunState.RUNNING, Seen.READY, run=late) is Step.REMOVE
    # And an order that came while nobody knew is carried out when contact is back.
    assert next_of(RunState.RUNNING, Seen.UNKNOWN, run=late) is Step.NOTHING


def test_the_hub_is_not_asked_about_runs_that_talk_or_wait() -> None:
    running = a_run(RunState.RUNNING)
    assert not asks_hub(running, NOW, NOW, has_turn=False)
    assert asks_hub(running, NOW - MUTE, NOW, has_turn=False)
    assert asks_hub(a_run(RunState.RUNNING, stop_at=NOW - LONG), NOW, NOW, has_turn=False)
    assert not asks_hub(a_run(RunState.QUEUED), NOW - LONG, NOW, has_turn=False)
    assert asks_hub(a_run(RunState.QUEUED), NOW, NOW, has_turn=True)
    assert asks_hub(a_run(RunState.STARTING), NOW, NOW, has_turn=False)
    for state in FINAL:
        assert asks_hub(a_run(state), NOW, NOW, has_turn=False)
        assert not asks_hub(a_run(state, is_settled=True), NOW, NOW, has_turn=False)


@pytest.mark.parametrize(
    ("runs", "left"),
    [
        ([], 2),
        ([RunState.QUEUED] * 5, 2),
        ([RunState.STARTING], 1),
        ([RunState.RUNNING, RunState.STARTING, RunState.QUEUED], 0),
        ([RunState.RUNNING, RunState.FINISHED], 1),
        ([RunState.FINISHED, RunState.FAILED], 2),
        # What cannot be removed does not pile up.
        ([RunState.FINISHED] * 3, 1),
        ([RunState.LOST] * 4, 0),
        ([RunState.RUNNING, RunState.STOPPED, RunState.STOPPED], 1),
        ([RunState.RUNNING] * 3, 0),
    ],
)
def test_a_run_that_is_over_has_given_its_place_away(runs: list[RunState], left: int) -> None:
    assert places([a_run(state) for state in runs], 2, NOW) == left


def test_a_run_that_is_held_keeps_its_place() -> None:
    held = a_run(RunState.FAILED, held_until=NOW + MOMENT)
    assert places([held], 1, NOW) == 0
    assert places([held], 1, NOW + 2 * MOMENT) == 1
