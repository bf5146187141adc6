"""What `nvidia-smi` says of this machine: the word to hold ours against."""

import shutil
import subprocess
from dataclasses import dataclass
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True)
class SmiCard:
    """One card or MIG instance."""

    uuid: str
    name: str
    memory_mib: int
    is_split: bool = False


@dataclass(frozen=True, slots=True)
class Smi:
    """All of them, with the versions."""

    driver: str
    cuda: str
    cards: tuple[SmiCard, ...]


def has_card() -> bool:
    """Tell whether this machine has a card that answers."""
    if shutil.which("nvidia-smi") is None:
        return False
    done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and "GPU 0" in done.stdout


def asked() -> Smi:
    """Return what `nvidia-smi -q -x` says."""
    command = ["nvidia-smi", "-q", "-x"]
    return parse(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def parse(text: str) -> Smi:
    """Return what the XML says of cards."""
    log = ET.fromstring(text)  # noqa: S314 - the driver's own program wrote it
    return Smi(
        driver=log.findtext("driver_version", ""),
        cuda=log.findtext("cuda_version", ""),
        cards=tuple(_card(card) for card in log.iter("gpu")),
    )


def _card(card: ET.Element) -> SmiCard:
    memory = card.findtext("fb_memory_usage/total", "0 MiB")
    return SmiCard(
        uuid=card.findtext("uuid", ""),
        name=card.findtext("product_name", ""),
        memory_mib=int(memory.split()[0]),
        is_split=card.findtext("mig_mode/current_mig", "") == "Enabled",
    )


def instances() -> tuple[str, ...]:
    """Return the uuids of the MIG instances, which only the short list has."""
    said = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
    return tuple(
        line.rpartition("UUID: ")[2].rstrip(") \n") for line in said.splitlines() if " MIG " in line
    )
