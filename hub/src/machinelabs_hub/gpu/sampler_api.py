"""What the sampler answers over HTTP, on loopback, to whoever has the site's token."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, Protocol

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from machinelabs_hub.gpu.sample import (
    CardHistory,
    CardPoint,
    ContainerHistory,
    ContainerPoint,
    Sample,
)

LONGEST_SECONDS: Final = 7200

Points = list[tuple[float, list[float | None]]]
Answer = Callable[[Request], Awaitable[Response]]


class Sampled(Protocol):
    """What is answered from."""

    @property
    def sample(self) -> Sample:
        """The last sample."""

    def card_points(self, uuid: str, begin: datetime) -> Points:
        """Return the past of a card."""

    def container_points(self, container: str, uuid: str, begin: datetime) -> Points:
        """Return the past of a container on one card, or on all."""


def create_app(sampled: Sampled, *, token: str) -> Starlette:
    """Return the sampler's listener."""

    async def sample(_: Request) -> Response:
        return _json(sampled.sample)

    async def history(request: Request) -> Response:
        asked = request.query_params
        uuid, container = asked.get("uuid", ""), asked.get("container", "")
        seconds = asked.get("seconds", str(LONGEST_SECONDS))
        if not seconds.isdigit() or not (uuid or container):
            return _refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "bad_input",
                "Name a `uuid`, a `container` or both, and how many `seconds` back.",
            )
        begin = datetime.now(UTC) - timedelta(seconds=min(int(seconds), LONGEST_SECONDS))
        if container:
            points = sampled.container_points(container, uuid, begin)
            return _json(ContainerHistory(points=tuple(_container_point(*row) for row in points)))
        points = sampled.card_points(uuid, begin)
        return _json(CardHistory(points=tuple(_card_point(*row) for row in points)))

    def known(answer: Answer) -> Answer:
        async def checked(request: Request) -> Response:
            given = request.headers.get("Authorization", "").encode()
            if not secrets.compare_digest(given, f"Bearer {token}".encode()):
                return _refusal(
                    HTTPStatus.FORBIDDEN, "not_allowed", "The sampler wants the site's token."
                )
            return await answer(request)

        return checked

    return Starlette(routes=[Route("/sample", known(sample)), Route("/history", known(history))])


def _card_point(at: float, numbers: list[float | None]) -> CardPoint:
    sm, memory, temperature, power = numbers
    return CardPoint(
        at=datetime.fromtimestamp(at, UTC),
        sm_percent=sm,
        memory_used_mib=memory,
        temperature_c=temperature,
        power_w=power,
    )


def _container_point(at: float, numbers: list[float | None]) -> ContainerPoint:
    sm, memory, cpu = numbers
    return ContainerPoint(
        at=datetime.fromtimestamp(at, UTC), sm_percent=sm, memory_mib=memory, cpu_percent=cpu
    )


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")


def _refusal(status: HTTPStatus, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message, "field": None}, status_code=status)
