"""Work for a real card in processes of its own: hold memory, compute, train. Needs torch."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BEGIN = """
import sys, time, torch
device = torch.device("cuda")
held = torch.zeros({mib} * 2**18, device=device) if {mib} else torch.zeros(1, device=device)
torch.cuda.synchronize()
print(torch.cuda.memory_reserved(), flush=True)
"""
IDLE = "time.sleep(600)\n"
BUSY = """
a = torch.rand(4096, 4096, device=device)
while True:
    a = (a @ a).tanh()
    torch.cuda.synchronize()
"""
TRAIN = """
torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Linear(1024, 4096), torch.nn.ReLU(), torch.nn.Linear(4096, 1)
).to(device)
inputs = torch.rand(65536, 1024, device=device)
wanted = inputs.sum(dim=1, keepdim=True) / 100
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
first, until = None, time.monotonic() + {seconds}
while time.monotonic() < until:
    for part in range(0, 65536, 4096):
        loss = torch.nn.functional.mse_loss(
            model(inputs[part : part + 4096]), wanted[part : part + 4096]
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    first = first or loss.item()
print(first, loss.item(), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Work:
    """A process on the card."""

    process: "subprocess.Popen[str]"
    reserved_mib: float
    """What torch says that it holds."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        """Return its next line."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise RuntimeError(f"the work ended with {self.process.wait()}")
        return line.strip()


def torch_python() -> str:
    """Return a Python whose torch finds a card; empty: there is none."""
    for python in (sys.executable, shutil.which("python3"), "/usr/bin/python3"):
        asked = "import torch; raise SystemExit(not torch.cuda.is_available())"
        if python and not subprocess.run([python, "-c", asked], capture_output=True).returncode:  # noqa: PLW1510
            return python
    return ""


@contextmanager
def working(python: str, what: str, *, mib: int = 0, seconds: int = 0) -> Iterator[Work]:
    """Run `what` after holding `mib` of the card's memory, until the block ends."""
    code = BEGIN.format(mib=mib) + what.format(seconds=seconds)
    process = subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"the work did not begin: {process.wait()}")
        yield Work(process, int(line) / 2**20)
    finally:
        process.kill()
        process.communicate()
