"""One table of exit codes: every error has one, and the manual names each."""

import pytest
from tests.contract.files import ROOT

from machinelabs import errors
from machinelabs.checkout import Overlap
from machinelabs.cli.exits import MEANINGS, Exit, exit_of
from machinelabs.errors import HubError
from machinelabs.sites import NoSite


def leaves(kind: type[HubError]) -> list[type[HubError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


@pytest.mark.parametrize("kind", leaves(HubError)[1:], ids=lambda kind: kind.__name__)
def test_every_error_ends_with_a_code_of_its_own_kind(kind: type[HubError]) -> None:
    error = kind.__new__(kind)
    assert (exit_of(error) is Exit.FAULT) == issubclass(kind, errors.SiteFault)


def test_what_is_a_special_case_of_two_kinds_has_the_finer_code() -> None:
    assert exit_of(Overlap("a/b", 2, ["x"])) is Exit.CONFLICT
    assert exit_of(NoSite()) is Exit.SIGN_IN
    assert exit_of(errors.StaleRevision("x")) is Exit.CONFLICT


@pytest.mark.parametrize("code", list(Exit))
def test_every_code_is_in_the_manual(code: Exit) -> None:
    manual = (ROOT / "docs" / "reference" / "ml.md").read_text()
    assert f"| {code.value} | {MEANINGS[code]} |" in manual
