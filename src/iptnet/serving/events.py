"""Server-sent events: the status of videos whenever it changes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from iptnet.serving.failures import RefusedError
from iptnet.serving.records import ACTIVE
from iptnet.serving.service import Service
from iptnet.serving.views import status

HEARTBEAT = 10.0
"""Seconds; a comment now and then shows who has left, and keeps what lies between us open."""


class Streams:
    """Counts the open streams, so that nobody opens thousands."""

    def __init__(self, service: Service) -> None:
        self._service, self._open = service, 0

    async def events(self, owner: str | None, only: str | None = None) -> AsyncGenerator[str, None]:
        """Events of a session's videos, the present state first.

        ``event: video`` carries a status; ``event: gone`` the id of a deleted video. With
        ``only``, the stream speaks of one video and ends when no work on it is left.

        Raises:
            RefusedError: too many streams; before the first event.
        """
        service = self._service
        if self._open >= service.settings.max_streams:
            raise RefusedError("busy", "too many event streams are open", "close some pages")
        self._open += 1
        try:
            yield "retry: 1000\n\n"
            version = service.board.version
            known = [v.id for v in service.jobs.videos(owner)] if owner else []
            for id_ in reversed(known):
                if only in {None, id_}:
                    yield self._event(id_)
            while not service.board.closed:
                if only is not None and self._settled(only):
                    return
                await service.board.wait(version, HEARTBEAT)
                seen, version = version, service.board.version
                changed = service.board.since(seen, owner) if owner else []
                for id_ in changed:
                    if only in {None, id_}:
                        yield self._event(id_)
                if not changed:
                    yield ": still here\n\n"
        finally:
            self._open -= 1

    def _event(self, id_: str) -> str:
        video = self._service.jobs.video(id_)
        if video is None:
            return f"event: gone\ndata: {json.dumps({'id': id_})}\n\n"
        return f"event: video\ndata: {status(self._service, video).model_dump_json()}\n\n"

    def _settled(self, id_: str) -> bool:
        video = self._service.jobs.video(id_)
        return video is None or not any(
            state in ACTIVE
            for state in (video.state, *(r.state for r in self._service.jobs.renders(id_)))
        )
