"""Images of peers: one of ours with more packages in it, built once for each of its versions."""

import tempfile
from pathlib import Path

from machinelabs_hub.images import wheels
from machinelabs_hub.images.build import WORK
from machinelabs_hub.images.engine import Engine, pack
from machinelabs_hub.settings import Settings


def derive(settings: Settings, image: str, dockerfile: str, pins: Path) -> str:
    """Return the tag of the image that `dockerfile` makes of `image`.

    Args:
        settings: the site's.
        image: the tag that `dockerfile` has as its argument `STACK`.
        dockerfile: its text; the wheels and `pins` lie in its folder `wheels`.
        pins: packages with their hashes; its name names the peer.
    """
    name = f"bench-{pins.stem}"
    tag = f"machinelabs/{name}:{image.rsplit(':', 1)[1]}"
    with Engine(socket=settings.engine.socket) as engine:
        if engine.find(tag):
            return tag
        house = wheels.collect([pins], image=name, store=WORK / "wheelhouse")
        with (
            tempfile.TemporaryDirectory(dir=WORK) as folder,
            tempfile.TemporaryFile(dir=WORK) as packed,
            (WORK / f"{name}.log").open("w", encoding="utf-8") as log,
        ):
            (Path(folder) / "Dockerfile").write_text(dockerfile, encoding="utf-8")
            pack({"": Path(folder), "wheels": [*sorted(house.glob("*.whl")), pins]}, packed)
            packed.seek(0)
            engine.build(
                image=name,
                tag=tag,
                context=packed,
                arguments={"STACK": image},
                network=False,
                log=log,
            )
    return tag
