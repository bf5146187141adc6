"""An engine that hands out GPUs without a machine that has one, and images that start at once.

The engine is real. Of NVIDIA's parts only the hook is not: a program that the engine calls before
a container starts which was given cards.
"""

import io
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from tests.support.engine_proxy import EngineProxy, engine_proxy
from tests.support.own_engine import own_engine

SOURCE = Path(__file__).with_name("tiny_server.c")
HOOK = """#!/bin/sh
cat > /dev/null
if [ -e {refusal} ]; then
  echo "nvidia-container-cli: initialization error: driver rpc error" >&2
  exit 1
fi
"""


@dataclass(frozen=True)
class CardEngine:
    """The engine's own address, the proxy that a site uses, and the images."""

    address: str
    proxy: EngineProxy
    refusal: Path
    images: dict[str, str]
    """The engine's id of `tiny` and `broken`. Both ask for all cards in their environment."""

    def refuse_cards(self, *, refuses: bool) -> None:
        """Let the hook fail from now on, or not any more, as with a driver in disorder."""
        if refuses:
            self.refusal.touch()
        else:
            self.refusal.unlink(missing_ok=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the engine stand still; what is asked of it meanwhile it does afterwards."""
        pid = int(Path(self.address.removeprefix("unix://")).with_name("pid").read_text("ascii"))
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def run(self, *arguments: str) -> str:
        """Ask the engine itself, past the proxy, as somebody at the machine does."""
        done = subprocess.run(
            ["docker", "-H", self.address, *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    def client(self) -> docker.APIClient:
        """Return a connection past the proxy."""
        return docker.APIClient(base_url=self.address, version="auto", timeout=30)


@contextmanager
def card_engine(folder: Path, *options: str) -> Iterator[CardEngine]:
    """Run the engine and its proxy; `folder` must have a short path, for the socket."""
    with bare_card_engine(folder, *options) as engine:
        for name, defines in {"tiny": (), "broken": ("-DBROKEN",)}.items():
            engine.images[name] = _image(engine.address, folder, name, *defines)
        yield engine


@contextmanager
def bare_card_engine(folder: Path, *options: str) -> Iterator[CardEngine]:
    """Run the engine and its proxy without an image."""
    programs, refusal = folder / "programs", folder / "refusal"
    programs.mkdir()
    hook = programs / "nvidia-container-runtime-hook"
    hook.write_text(HOOK.format(refusal=refusal), encoding="ascii")
    hook.chmod(0o755)
    with (
        own_engine(*options, programs=programs) as address,
        engine_proxy(folder, address.removeprefix("unix://")) as proxy,
    ):
        yield CardEngine(address, proxy, refusal, {})


def _image(address: str, folder: Path, name: str, *options: str) -> str:
    program = folder / name
    subprocess.run(["gcc", "-static", "-Os", *options, "-o", program, SOURCE], check=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for directory in ("bin", "home", "home/jovyan", "tmp"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(info)
        archive.add(program, "bin/jupyterhub-singleuser")
    client = docker.APIClient(base_url=address, version="auto")
    try:
        client.import_image_from_data(
            packed.getvalue(),
            repository=f"test/{name}",
            tag="1",
            changes=["ENV PATH=/bin", "ENV NVIDIA_VISIBLE_DEVICES=all"],
        )
        found: str = client.inspect_image(f"test/{name}:1")["Id"]
    finally:
        client.close()
    return found
