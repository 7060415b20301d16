"""Routes to watch: what the server takes, and event streams."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from iptnet import __version__
from iptnet.serving import schema
from iptnet.serving.downloads import offers
from iptnet.serving.events import Streams
from iptnet.serving.records import RATIO
from iptnet.serving.service import Service
from iptnet.serving.sessions import owner_of
from iptnet.serving.video_routes import REFUSALS, UPLOADS, Id


def watch_routes(service: Service) -> APIRouter:
    """The routes over a service."""
    router = APIRouter(responses=REFUSALS, tags=["watch"])  # type: ignore[arg-type]
    streams = Streams(service)

    @router.get("/api/server")
    def server() -> schema.Server:
        """What this server takes and offers."""
        return schema.Server(
            version=__version__,
            max_bytes=service.settings.max_bytes,
            room=service.room(),
            turns=max(0, service.settings.max_active - service.jobs.active()),
            ratio=RATIO,
            keep_days=service.settings.keep_days,
            formats=[schema.Offer.model_validate(offer) for offer in offers().values()],
        )

    @router.get("/api/events", response_class=StreamingResponse)
    async def events(request: Request) -> Response:
        """The status of all videos of this session whenever it changes (server-sent events)."""
        return await _stream(owner_of(request))

    @router.get(UPLOADS + "/{id_}/events", response_class=StreamingResponse)
    async def video_events(request: Request, id_: Id) -> Response:
        """The status of one video whenever it changes; ends when all work on it has ended."""
        owner = owner_of(request)
        return await _stream(owner, service.video(owner, id_).id)

    async def _stream(owner: str | None, only: str | None = None) -> Response:
        events = streams.events(owner, only)
        first = await anext(events)  # a refusal must come before the headers

        async def whole() -> AsyncIterator[str]:
            try:
                yield first
                async for event in events:
                    yield event
            finally:
                await events.aclose()

        return StreamingResponse(
            whole(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    return router
