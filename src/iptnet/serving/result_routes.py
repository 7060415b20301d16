"""Routes about results: another length, a sentence, pictures, downloads, renderings."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from iptnet.outputs.exports import stem_of
from iptnet.serving import schema
from iptnet.serving.downloads import download
from iptnet.serving.failures import RefusedError
from iptnet.serving.files import file_response
from iptnet.serving.names import attachment
from iptnet.serving.pictures import Pictures, read_pictures
from iptnet.serving.records import RATIO, Video
from iptnet.serving.service import Service
from iptnet.serving.sessions import owner_of
from iptnet.serving.video_routes import REFUSALS, UPLOADS, Id
from iptnet.serving.views import moments, selection, status

LONGEST_QUERY = 2000
MOST_QUERIES = 20
Ratio = Annotated[
    float | None,
    Query(gt=0, le=1, description="length of the summary, as a share; .15 if not given"),
]
Length = Annotated[
    float | None, Query(gt=0, allow_inf_nan=False, description="length in seconds, instead")
]
Sentence = Annotated[str, Query(min_length=1, max_length=LONGEST_QUERY)]
Sentences = Annotated[
    list[Annotated[str, Query(max_length=LONGEST_QUERY)]] | None,
    Query(alias="query", max_length=MOST_QUERIES),
]
Top = Annotated[int, Query(ge=1, le=50, description="moments a sentence, at most")]
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}


def share(video: Video, ratio: float | None, length: float | None) -> float:
    """The share of a video that is asked for, whichever way.

    Raises:
        RefusedError: both ways at once.
    """
    if length is None:
        return RATIO if ratio is None else ratio
    if ratio is not None:
        raise RefusedError("usage", "ratio and length say the same twice", "give one of them")
    assert video.facts is not None, "a video with a result has facts"
    return min(1.0, length / video.facts.duration)


def result_routes(service: Service) -> APIRouter:
    """The routes over a service."""
    router = APIRouter(prefix=UPLOADS + "/{id_}", responses=REFUSALS, tags=["results"])  # type: ignore[arg-type]

    def mine(request: Request, id_: str) -> Video:
        return service.video(owner_of(request), id_, ready=True)

    @router.get("/timeline", responses={200: {"description": "iptnet/timeline/1 or 2"}})
    def timeline(
        request: Request,
        id_: Id,
        ratio: Ratio = None,
        length: Length = None,
        queries: Sentences = None,
        *,
        top: Top = 5,
    ) -> Response:
        """The result: curve, shots, keyshots of a length, moments of sentences."""
        video = mine(request, id_)
        found = service.library.result(video.id, share(video, ratio, length), queries or [], top)
        return Response(found.to_json(), media_type="application/json")

    @router.get("/selection")
    def select(
        request: Request, id_: Id, ratio: Ratio = None, length: Length = None
    ) -> schema.Selection:
        """The keyshots of another length, at once."""
        video = mine(request, id_)
        asked = share(video, ratio, length)
        return selection(service.library.summarize(video.id, asked), asked)

    @router.get("/moments")
    def find(request: Request, id_: Id, query: Sentence, top: Top = 5) -> schema.Moments:
        """Where a sentence happens, best first."""
        return moments(service.library.ask(mine(request, id_).id, query, top), query)

    @router.get("/pictures")
    def pictures(request: Request, id_: Id) -> schema.Pictures:
        """When the small pictures were taken; empty until they are there."""
        return schema.Pictures(times=list(_pictures(mine(request, id_)).times))

    @router.get("/pictures/cover.jpg", response_class=StreamingResponse)
    async def cover(request: Request, id_: Id) -> Response:
        """The picture that stands for the whole video."""
        found = _pictures(await run_in_threadpool(mine, request, id_))
        return await file_response(request, found.path(found.cover), "image/jpeg", FOREVER)

    @router.get("/pictures/{number}.jpg", response_class=StreamingResponse)
    async def picture(
        request: Request, id_: Id, number: Annotated[int, Path(ge=0, lt=100_000)]
    ) -> Response:
        """A small picture."""
        video = await run_in_threadpool(mine, request, id_)
        path = service.folders.pictures(video.id) / f"{number}.jpg"
        return await file_response(request, path, "image/jpeg", FOREVER)

    @router.get("/exports/{name}", response_class=Response)
    def exported(
        request: Request,
        id_: Id,
        name: Annotated[str, Path(max_length=40)],
        ratio: Ratio = None,
        length: Length = None,
        *,
        queries: Sentences = None,
    ) -> Response:
        """The result as a file; /api/server lists the formats."""
        video = mine(request, id_)
        result = service.library.result(video.id, share(video, ratio, length), queries or [], 5)
        made = download(name, result, _pictures(video).provider())
        headers = {"Content-Disposition": attachment(made.filename)}
        return Response(made.data, media_type=made.media_type, headers=headers)

    @router.post("/renders/{kind}", status_code=202)
    def render(
        request: Request,
        id_: Id,
        kind: Literal["summary", "preview"],
        ratio: Ratio = None,
        length: Length = None,
    ) -> schema.Status:
        """Have summary.mp4 of a length made, or a preview that every browser plays."""
        video = mine(request, id_)
        service.render(video, kind, 1.0 if kind == "preview" else share(video, ratio, length))
        return status(service, video)

    @router.head("/renders/{kind}", include_in_schema=False)
    @router.get("/renders/{kind}", response_class=StreamingResponse)
    async def rendered(request: Request, id_: Id, kind: Literal["summary", "preview"]) -> Response:
        """The finished rendering; single byte ranges are served."""
        video = await run_in_threadpool(mine, request, id_)
        if not any(r.kind == kind and r.state == "done" for r in service.jobs.renders(video.id)):
            raise RefusedError("not-ready", f"the {kind} is not made (yet)", "POST here first")
        headers = {}
        if kind == "summary":
            headers["Content-Disposition"] = attachment(
                f"{stem_of(service.library.first(video.id))}.summary.mp4"
            )
        path = service.folders.rendered(video.id, kind)
        return await file_response(request, path, "video/mp4", headers)

    def _pictures(video: Video) -> Pictures:
        folder = service.folders.pictures(video.id)
        return read_pictures(folder) or Pictures(folder, ())

    return router
