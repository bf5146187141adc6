"""Why a run ended that did not end by itself: who stopped it, or for what the Hub did."""

from typing import Final

from machinelabs_hub import tickets
from machinelabs_hub.labs.models.run import Reason, Run
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.plans.enforce import HOURS
from machinelabs_hub.plans.notices import ACCOUNT, NoticeTable

_BY_HUB: Final = {
    HOURS: ("The hours of {person}'s plan are used up, so it was stopped.", "hours_used_up"),
    ACCOUNT: ("The account of {person} was switched off or deleted, so it was stopped.", ""),
}
"""What the Hub tells of a server that it stops, by kind of notice: a sentence, and a code."""

_ELSEWHERE: Final = "It was stopped on the hub's pages, or its machine went down."


def stopped(tools: Tools, run: Run) -> Reason:
    """Return why a run was stopped, also where it could not say more than that it was."""
    if run.stop_by:
        return Reason(f"{run.stop_by} stopped it.")
    if by_hub := stopped_by_hub(tools, run):
        return by_hub
    if run.stop_at is not None:
        return Reason("It was stopped: its lab, or the account of who ordered it, was deleted.")
    return Reason(_ELSEWHERE)


def stopped_by_hub(tools: Tools, run: Run) -> Reason | None:
    """Return for what the Hub stopped a run; None: it told of no reason."""
    notices = NoticeTable(sessions=tools.sessions)
    kind = notices.why_stopped(run.person, tickets.server_of(run.id))
    sentence, code = _BY_HUB.get(kind, ("", ""))
    return Reason(sentence.format(person=run.person), code=code) if sentence else None
