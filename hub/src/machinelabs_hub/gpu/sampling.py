"""Ask the sampler, from the Hub or the labs service."""

from typing import Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from machinelabs_hub.errors import Unavailable
from machinelabs_hub.gpu.sample import CardHistory, ContainerHistory, Sample
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files

SECONDS: Final = 5
_Answer = TypeVar("_Answer", bound=BaseModel)


class SamplerAway(Unavailable):
    """The process that samples the GPUs does not answer."""

    code = "sampler_away"

    def __init__(self) -> None:
        super().__init__("The use of the site's GPUs cannot be seen now. Try again in a moment.")


class SamplerClient:
    """The sampler's answers. It blocks for `SECONDS` at most: in an event loop, use a thread."""

    def __init__(self, settings: Settings) -> None:
        token = Files(settings.data).secrets / "sampler_token"
        said = token.read_text(encoding="utf-8").strip() if token.exists() else ""
        self._http = httpx.Client(
            base_url=Addresses(settings).sampler_local,
            headers={"Authorization": f"Bearer {said}"},
            timeout=SECONDS,
            trust_env=False,
            # Nothing stays open between the questions, so there is nothing to close.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def sample(self) -> Sample:
        """Return the last sample.

        Raises:
            SamplerAway: the sampler does not answer.
        """
        return self._ask(Sample, "/sample")

    def card(self, uuid: str, *, seconds: int) -> CardHistory:
        """Return what a card or instance did in the last `seconds` (two hours at most)."""
        return self._ask(CardHistory, "/history", uuid=uuid, seconds=seconds)

    def container(self, container: str, *, seconds: int, uuid: str = "") -> ContainerHistory:
        """Return what a container did on one card, or on all of its cards if `uuid` is empty."""
        return self._ask(
            ContainerHistory, "/history", container=container, uuid=uuid, seconds=seconds
        )

    def _ask(self, kind: type[_Answer], path: str, **asked: str | int) -> _Answer:
        try:
            answer = self._http.get(path, params=asked)
            answer.raise_for_status()
            return kind.model_validate_json(answer.content)
        except (httpx.HTTPError, ValidationError) as error:
            raise SamplerAway from error
