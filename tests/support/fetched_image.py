"""A site whose engine lacks an image that its registry has, behind a link as slow as one likes."""

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.card_site import CardSite, running_with_cards
from tests.support.own_engine import registry
from tests.support.slow_link import SlowLink, slow_link

HEAVY_MIB = 30
TAG = "test/heavy:1"


@dataclass(frozen=True)
class FetchingSite:
    """A site with the images `tiny`, which the engine has, and `heavy`, which it fetches."""

    site: CardSite
    link: SlowLink
    heavy: str
    """The engine's id of `heavy`."""

    def drop(self) -> None:
        """Let the engine lack the image again."""
        engine = self.site.cards
        for name in (TAG, f"{self.link.address}/{TAG}"):
            engine.run("image", "rm", "--force", name)
        assert not engine.run("image", "ls", "-q", "--no-trunc", "--filter", f"reference={TAG}")


@contextmanager
def fetching_site() -> Iterator[FetchingSite]:
    """Run a site with a registry of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as folder,
        registry(Path(folder)) as host,
        slow_link(int(host.partition(":")[2])) as link,
        running_with_cards(engine={"registry": link.address}) as site,
    ):
        heavy = _push(site, link)
        builds = json.loads(site.files.builds.read_text(encoding="utf-8"))
        builds["broken"] = {"id": heavy, "tag": TAG, "size_mib": HEAVY_MIB}
        site.files.builds.write_text(json.dumps(builds), encoding="utf-8")
        found = FetchingSite(site, link, heavy)
        found.drop()
        yield found


def _push(site: CardSite, link: SlowLink) -> str:
    """Put `tiny` with a big file beside it into the registry; return its id."""
    program = site.data.parent / "tiny"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for directory in ("bin", "home", "home/jovyan", "tmp"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(info)
        archive.add(program, "bin/jupyterhub-singleuser")
        info = tarfile.TarInfo("heavy")
        info.size = HEAVY_MIB * 2**20
        # What is random does not shrink on its way.
        archive.addfile(info, io.BytesIO(os.urandom(info.size)))
    repository = f"{link.address}/{TAG.partition(':')[0]}"
    with closing(site.cards.client()) as client:
        client.import_image_from_data(
            packed.getvalue(), repository=repository, tag="1", changes=["ENV PATH=/bin"]
        )
        found: str = client.inspect_image(f"{repository}:1")["Id"]
        client.tag(found, TAG.partition(":")[0], "1")
        pushed = client.push(repository, tag="1")
        assert "error" not in pushed, pushed
    return found
