"""A log outlives kills of the service that writes it: no line is lost, doubled or torn."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

from machinelabs_hub.labs.storage.run_events import EventStore

KILLS = 12


def test_a_killed_service_loses_doubles_and_tears_nothing(tmp_path: Path) -> None:
    chance, answered = random.Random(7), 1  # noqa: S311
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.labs.run_crash", str(tmp_path)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.08))
        process.kill()
        said = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        if said:
            answered = int(said[-1])
        reader, numbers = EventStore(folder=tmp_path, most_bytes=1 << 40).reader(1), []
        while lines := reader.read():
            events = [json.loads(line) for line in lines]
            assert all(event["text"] == f"line {event['n']}\n" for event in events)
            numbers += [event["n"] for event in events]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= answered - 1
    assert answered > 100
