"""Routes about uploads: send, list, cancel, try again, delete; and the file itself."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from iptnet.serving import schema
from iptnet.serving.failures import RefusedError
from iptnet.serving.files import file_response
from iptnet.serving.records import Video
from iptnet.serving.service import Service
from iptnet.serving.sessions import begin, owner_of
from iptnet.serving.upload import linger
from iptnet.serving.views import status

UPLOADS = "/api/videos"
MEDIA_TYPES = {
    "mov": "video/mp4",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "matroska": "video/x-matroska",
    "ogg": "video/ogg",
}
Id = Annotated[str, Path(max_length=64, description="of a video, as the upload returned it")]
REFUSALS = {"default": {"model": schema.Refusal, "description": "refused"}}


def video_routes(service: Service) -> APIRouter:
    """The routes over a service."""
    router = APIRouter(responses=REFUSALS, tags=["videos"])  # type: ignore[arg-type]

    def mine(request: Request, id_: str) -> Video:
        return service.video(owner_of(request), id_)

    @router.post(
        UPLOADS,
        status_code=201,
        response_model=schema.Status,
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "the video file itself, not a form",
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
    )
    async def submit(
        request: Request, name: Annotated[str, Query(max_length=20_000)] = "video"
    ) -> Response:
        """Send a video: its bytes as the body, its name in the address."""
        try:
            return await _receive(request, name)
        except ClientDisconnect as left:
            # Nobody reads this; it is no failure of ours either, and not one for the log.
            raise RefusedError("usage", "the upload broke off", "send it again") from left
        except RefusedError as refusal:
            refusal.headers["Connection"] = "close"
            if refusal.failure.code in {"too-large", "full", "busy", "unsupported"}:
                await linger(request)
            raise

    async def _receive(request: Request, name: str) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in {"multipart/form-data", "multipart/mixed"}:
            raise RefusedError(
                "unsupported",
                "a form was sent instead of a video",
                f"send the file itself as the body: curl -X POST -T FILE 'http://…{UPLOADS}?name=FILE'",
            )
        length = request.headers.get("content-length", "")
        declared = int(length[:18]) if length.isascii() and length.isdigit() else None
        response = Response(media_type="application/json", status_code=201)
        # A script without a cookie gets a session here; the page has one already.
        owner = owner_of(request) or begin(response)
        video = await service.submit(owner, name, request.stream(), declared)
        response.body = status(service, video).model_dump_json().encode()
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["Location"] = f"{UPLOADS}/{video.id}"
        return response

    @router.get(UPLOADS)
    def videos(request: Request) -> list[schema.Status]:
        """The videos of this session, newest first."""
        owner = owner_of(request)
        return [status(service, v) for v in service.jobs.videos(owner)] if owner else []

    @router.get(UPLOADS + "/{id_}")
    def one(request: Request, id_: Id) -> schema.Status:
        """The status of a video."""
        return status(service, mine(request, id_))

    @router.delete(UPLOADS + "/{id_}", status_code=204)
    def delete(request: Request, id_: Id) -> None:
        """Delete a video and all that was made of it; work on it stops."""
        service.delete(mine(request, id_))

    @router.post(UPLOADS + "/{id_}/cancel")
    def cancel(
        request: Request,
        id_: Id,
        work: Literal["video", "summary", "preview"] = "video",
    ) -> schema.Status:
        """Stop work that waits or runs."""
        service.cancel(mine(request, id_), work)
        return status(service, mine(request, id_))

    @router.post(UPLOADS + "/{id_}/restart")
    def restart(request: Request, id_: Id) -> schema.Status:
        """Try a failed or cancelled video again."""
        service.restart(mine(request, id_))
        return status(service, mine(request, id_))

    @router.head(UPLOADS + "/{id_}/video", include_in_schema=False)
    @router.get(UPLOADS + "/{id_}/video", response_class=StreamingResponse)
    async def source(request: Request, id_: Id) -> Response:
        """The uploaded file; single byte ranges are served."""
        video = await run_in_threadpool(mine, request, id_)
        container = video.facts.container if video.facts else ""
        media_type = MEDIA_TYPES.get(container, "application/octet-stream")
        if video.facts and container == "matroska" and video.facts.codec in {"vp8", "vp9", "av1"}:
            media_type = "video/webm"  # one container in ffmpeg's eyes, two in a browser's
        return await file_response(request, service.folders.source(video.id), media_type)

    return router
