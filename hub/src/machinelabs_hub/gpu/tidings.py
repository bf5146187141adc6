"""Tell people what befalls the card that they hold: it failed, or somebody else has it too."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from machinelabs_hub.gpu.model import Claim, Gpu, Health
from machinelabs_hub.gpu.reconcile import Clash
from machinelabs_hub.plans.model import Notice
from machinelabs_hub.plans.notices import NoticeTable

KIND: Final = "card"


def tidings(
    claims: Iterable[Claim], devices: Iterable[Gpu], clashes: Iterable[Clash], now: datetime
) -> Iterator[Notice]:
    """Yield what holders are to be told now; of the same trouble it has the same id each time."""
    failed = {gpu.uuid: gpu for gpu in devices if gpu.health is Health.FAILED}
    clashing = {(clash.uuid, key) for clash in clashes for key in clash.containers}
    for claim in claims:
        if not claim.holder.user:
            continue
        for uuid in claim.uuids:
            if uuid in failed:
                sentence = (
                    f"The GPU of this server has failed. {failed[uuid].why} What it computes now "
                    "may be wrong or stop. Save your work, stop the server and start it again: it "
                    "gets another GPU."
                )
                yield _notice(claim, "failed", uuid, sentence, now)
            if (uuid, claim.container) in clashing:
                sentence = (
                    "Another program of this machine has this server's GPU too. Both go on, but "
                    "either may run out of its memory. Tell the people who run this site."
                )
                yield _notice(claim, "clash", uuid, sentence, now)


def _notice(claim: Claim, what: str, uuid: str, sentence: str, now: datetime) -> Notice:
    key = hashlib.sha256(f"{what}/{claim.id}/{uuid}".encode()).hexdigest()[:32]
    return Notice(
        id=key,
        user=claim.holder.user,
        server=claim.holder.server,
        kind=KIND,
        sentence=sentence,
        at=now,
    )


class Teller:
    """Keeps the notices of cards as they are to be. The Hub alone writes them."""

    def __init__(self, notices: NoticeTable) -> None:
        self._notices = notices
        self._told = {notice.id: notice for notice in notices.live() if notice.kind == KIND}

    def tell(self, news: Iterable[Notice], now: datetime) -> None:
        """Store what is new, end what holds no longer."""
        wanted = {notice.id: notice for notice in news}
        for key in wanted.keys() - self._told.keys():
            self._told[key] = self._notices.put(wanted[key])
        for key in self._told.keys() - wanted.keys():
            self._notices.end(self._told.pop(key), now)
