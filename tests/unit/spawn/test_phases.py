"""The waiting page hears each phase with its seconds."""

from machinelabs_hub.spawn.phases import Phase, PhaseLog


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_seconds_go_to_the_phase_that_lasted() -> None:
    clock = Clock()
    log = PhaseLog(clock=clock)
    log.enter(Phase.QUEUE)
    clock.now += 2
    log.enter(Phase.CREATE)
    clock.now += 0.5
    assert log.seconds() == {Phase.QUEUE: 2.0, Phase.CREATE: 0.5}


def test_nothing_is_counted_after_the_end() -> None:
    clock = Clock()
    log = PhaseLog(clock=clock)
    log.enter(Phase.READY)
    clock.now += 1
    log.end()
    clock.now += 60
    assert log.event()["seconds"] == 1.0
    assert log.event()["phases"][-1]["state"] == "done"


def test_an_event_says_what_is_done_what_lasts_and_what_is_to_come() -> None:
    log = PhaseLog(clock=Clock())
    log.enter(Phase.QUEUE)
    log.enter(Phase.PULL)
    states = {row["name"]: row["state"] for row in log.event()["phases"]}
    assert states == {
        "queue": "done", "pull": "now", "create": "todo", "start": "todo", "ready": "todo",
    }  # fmt: skip


def test_a_waiter_hears_its_place_in_line() -> None:
    log = PhaseLog(clock=Clock(), place=3)
    log.enter(Phase.QUEUE)
    assert log.event()["message"] == "Waiting for a turn: number 3 in line"


def test_a_start_that_was_only_asked_for_has_an_event_too() -> None:
    event = PhaseLog(clock=Clock()).event()
    assert event["progress"] == 0
    assert event["phase"] is None


def test_a_start_that_needs_a_gpu_stands_in_line_first() -> None:
    log = PhaseLog(clock=Clock(), line={"sentence": "You are 3rd in line. All GPUs are in use."})
    log.enter(Phase.LINE)
    event = log.event()
    assert [row["name"] for row in event["phases"]][:2] == ["line", "queue"]
    assert event["message"] == "You are 3rd in line. All GPUs are in use."
    assert event["line"] == log.line
