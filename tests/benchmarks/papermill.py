"""The peer of runs: papermill in the same image, by `docker run` with the same limits."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.derived import derive

from machinelabs_hub.catalog.model import Flavour
from machinelabs_hub.settings import Settings

PINS = Path(__file__).with_suffix(".txt")

DOCKERFILE = """
ARG STACK
FROM ${STACK}
USER root
COPY wheels /wheels
RUN python3 -m pip --python /opt/ml/bin/python install --quiet --no-index --no-deps \
      --no-cache-dir --root-user-action=ignore --find-links /wheels \
      --require-hashes -r /wheels/papermill.txt \
 && rm -rf /wheels
USER jovyan
"""


def build(settings: Settings, image: str) -> str:
    """Return the tag of an image that is `image` with papermill beside the server's packages."""
    return derive(settings, image, DOCKERFILE, PINS)


class Papermill:
    """Executes one notebook, each time in a container of its own that is then removed."""

    def __init__(self, folder: Path, notebook: bytes, *, tag: str, flavour: Flavour) -> None:
        folder.mkdir()
        (folder / "main.ipynb").write_bytes(notebook)
        # The container's person is not ours.
        folder.chmod(0o777)
        memory = f"{flavour.memory_mib}m"
        self._command = ["docker", "run", "--rm", "--init", "-v", f"{folder}:/work", "-w", "/work"]
        self._command += ["--memory", memory, "--memory-swap", memory, "--cpus", str(flavour.cpu)]
        self._command += ["--pids-limit", str(flavour.pids), "--shm-size", f"{flavour.shm_mib}m"]
        self._command += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", tag]
        self._command += ["/opt/ml/bin/python", "-m", "papermill", "--no-progress-bar"]
        self._command += ["main.ipynb"]

    def once(self, number: int = 0) -> float:
        """Return the seconds from the order until the container is gone."""
        began = time.perf_counter()
        command = [*self._command, f"executed-{number}.ipynb"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"papermill failed:\n{done.stderr[-3000:]}")
        return time.perf_counter() - began

    def many(self, count: int, *, slots: int) -> float:
        """Return the seconds that so many take, so many at a time."""
        began = time.perf_counter()
        with ThreadPoolExecutor(slots) as threads:
            list(threads.map(self.once, range(count)))
        return time.perf_counter() - began
