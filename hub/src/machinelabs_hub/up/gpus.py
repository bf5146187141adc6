"""`machinelabs-hub gpus`: every card of a site, how it is, what it does and who holds it."""

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import SetupError
from machinelabs_hub.gpu.holders import Held, HeldCard, held_cards
from machinelabs_hub.gpu.sample import CardSample
from machinelabs_hub.gpu.sampling import SamplerAway, SamplerClient
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files, database_url
from machinelabs_hub.up import parts


class NeverStarted(SetupError):
    """The site's database is not there yet, or not as this version needs it."""

    code = "never_started"


def list_gpus(settings: Settings) -> None:
    """Print a line a card, with its use where the site runs.

    Raises:
        NeverStarted: the site has no database, or an old one.
    """
    url = database_url(settings)
    is_made = bool(settings.database.url) or Files(settings.data).database.exists()
    if not (is_made and migrate.is_current(url)):
        raise NeverStarted(
            f"The site in {settings.data} was never started with this version, so its GPUs are "
            "not known. Start it once."
        )
    engine = open_engine(url)
    try:
        cards = held_cards(session_maker(engine))
    finally:
        engine.dispose()
    uses = _uses(settings)
    for card in cards:
        print("  ".join(_words(card, uses.get(card.row.uuid))).rstrip())
    if not cards:
        print(
            "This site has no GPUs. It finds them at its start where NVIDIA's driver is installed; "
            "`gpus.source` in its settings says where it looks."
        )


def _uses(settings: Settings) -> dict[str, CardSample]:
    if not parts.samples_gpus(settings):
        return {}
    try:
        sample = SamplerClient(settings).sample()
    except SamplerAway:
        print("The use of the cards cannot be seen: the site does not run, or its sampler is away.")
        return {}
    if sample.fault:
        print(sample.fault)
    return {card.uuid: card for card in sample.cards}


def _words(card: HeldCard, use: CardSample | None) -> list[str]:
    row = card.row
    name = f"{row.model} {row.profile}".strip()
    indent = "  " if row.parent else ""
    words = [f"{indent}{row.uuid}", f"{name}, {row.memory_mib} MiB", row.health]
    if use and use.memory_used_mib is not None:
        busy = "" if use.sm_percent is None else f"{use.sm_percent} % busy, "
        words.append(f"{busy}{use.memory_used_mib} MiB used")
    words.append(", ".join(map(_holder, card.holders)) or "free")
    return [*words, row.why]


def _holder(held: Held) -> str:
    part = f" 1/{held.share}" if held.share > 1 else ""
    return f"{held.user}{f'/{held.server}' if held.server else ''} ({held.flavour}{part})"
