"""The container's own counters, as both kinds of control groups have them."""

from pathlib import Path

import pytest

from machinelabs.runner.usage import Usage


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def test_of_the_second_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((100.0, 102.0))
    monkeypatch.setattr("machinelabs.runner.usage.time.monotonic", lambda: next(moments))
    write(
        tmp_path, cpu_dot_stat="usage_usec 1000000\nuser_usec 1\n", memory_dot_current="3145728\n"
    )
    looks = Usage(tmp_path)
    assert looks.look() == {"memory_mib": 3}
    write(tmp_path, cpu_dot_stat="usage_usec 4000000\nuser_usec 1\n")
    assert looks.look() == {"cpu": 1.5, "memory_mib": 3}


def test_of_the_first_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((100.0, 102.0))
    monkeypatch.setattr("machinelabs.runner.usage.time.monotonic", lambda: next(moments))
    write(
        tmp_path,
        cpuacct__cpuacct_dot_usage="1000000000\n",
        memory__memory_dot_usage_in_bytes="2097152\n",
    )
    looks = Usage(tmp_path)
    looks.look()
    write(tmp_path, cpuacct__cpuacct_dot_usage="1500000000\n")
    assert looks.look() == {"cpu": 0.25, "memory_mib": 2}


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        ("memory_dot_current", {"memory_dot_stat": "anon 1\ninactive_file 1048576\n"}),
        ("memory__memory_dot_usage_in_bytes",
         {"memory__memory_dot_stat": "cache 1\ntotal_inactive_file 1048576\n"}),
    ],
)  # fmt: skip
def test_what_the_kernel_keeps_of_files_is_not_used(
    tmp_path: Path, now: str, kept: dict[str, str]
) -> None:
    write(tmp_path, **{now: "3145728\n"}, **kept)
    assert Usage(tmp_path).look() == {"memory_mib": 2}


@pytest.mark.parametrize("name", ["memory_dot_events", "memory__memory_dot_oom_control"])
def test_whether_memory_ran_out_since(tmp_path: Path, name: str) -> None:
    write(tmp_path, **{name: "oom 3\noom_kill 1\n"})
    looks = Usage(tmp_path)
    assert not looks.ran_out_of_memory()
    write(tmp_path, **{name: "oom 4\noom_kill 2\n"})
    assert looks.ran_out_of_memory()


def test_what_the_machine_does_not_tell_is_left_out(tmp_path: Path) -> None:
    looks = Usage(tmp_path)
    assert looks.look() == {}
    assert not looks.ran_out_of_memory()
