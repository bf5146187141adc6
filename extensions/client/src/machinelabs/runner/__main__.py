"""Start the runner: closed to others before anything else is done."""

import asyncio
import gc
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Final

from machinelabs.runner.probe import Probe
from machinelabs.runner.processes import close_to_others

FOLDER: Final = "run"
GONE: Final = 3


def main() -> int:
    """Execute the run that the environment names; return 0 if the site knows how it ended."""
    close_to_others()
    url = os.environ.pop("MACHINELABS_RUN_URL")
    code = os.environ.pop("MACHINELABS_RUN_CODE")
    port, _, path = os.environ.pop("MACHINELABS_RUN_PROBE").partition("/")
    return asyncio.run(work(url, code, int(port), f"/{path}"))


async def work(url: str, code: str, port: int, path: str) -> int:
    """Answer the Hub, and do the run."""
    probe = Probe(path)
    await probe.start(port)
    # What executes notebooks takes a while to import: the Hub has its answer meanwhile. None of it
    # is garbage; looking for some is a tenth of the time.
    gc.disable()
    await asyncio.to_thread(importlib.import_module, "machinelabs.runner.run")
    gc.freeze()
    gc.enable()
    from machinelabs.runner.door import Door  # noqa: PLC0415
    from machinelabs.runner.run import Run  # noqa: PLC0415
    from machinelabs.runner.service import Dismissed, Service  # noqa: PLC0415

    folder = Path.home() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    service = Service(url)
    door = Door(probe, path.removesuffix("api"))
    run = Run(service, folder, door=door)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, run.stop)
    try:
        ended = await run.run(code)
    except Dismissed as error:
        print(f"The site has no use for this run: {error}", file=sys.stderr)  # noqa: T201
        return GONE
    finally:
        probe.close()
        await service.close()
    print(f"The run ended: {ended.state}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
