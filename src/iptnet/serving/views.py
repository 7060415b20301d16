"""From what the service knows to what the API says."""

from __future__ import annotations

from iptnet.serving import schema
from iptnet.serving.pictures import LISTING
from iptnet.serving.records import Kind, Video
from iptnet.serving.service import Service
from iptnet.timeline import Timeline


def status(service: Service, video: Video) -> schema.Status:
    """A video with its progress and its renderings."""
    jobs, listing = service.jobs, service.folders.pictures(video.id) / LISTING
    return schema.Status(
        id=video.id,
        name=video.name,
        bytes=video.bytes or service.arrived(video.id),
        state=video.state,
        created=video.created,
        ready=video.ready,
        pictures=video.ready and listing.is_file(),
        ahead=jobs.ahead(video.id, "video") if video.state == "queued" else 0,
        progress=_progress(service, video.id, "video"),
        facts=schema.Facts.model_validate(video.facts) if video.facts else None,
        error=schema.Error.model_validate(video.error) if video.error else None,
        renders={
            render.kind: schema.Render(
                state=render.state,
                ratio=render.ratio,
                ahead=jobs.ahead(video.id, render.kind) if render.state == "queued" else 0,
                progress=_progress(service, video.id, render.kind),
                error=schema.Error.model_validate(render.error) if render.error else None,
                warnings=list(render.warnings),
            )
            for render in jobs.renders(video.id)
        },
    )


def _progress(service: Service, id_: str, kind: Kind) -> schema.Progress | None:
    known = service.board.progress(id_, kind)
    return schema.Progress.model_validate(known) if known else None


def selection(timeline: Timeline, ratio: float) -> schema.Selection:
    """The part of a result that depends on the length."""
    return schema.Selection(
        ratio=ratio,
        duration=timeline.summary_duration,
        warnings=list(timeline.warnings),
        keyshots=[schema.Keyshot.model_validate(k) for k in timeline.keyshots],
        selected=[i for i, shot in enumerate(timeline.shots) if shot.selected],
    )


def moments(timeline: Timeline, query: str) -> schema.Moments:
    """The answer to a sentence, with its doubts."""
    return schema.Moments(
        query=query,
        moments=[schema.Moment.model_validate(m) for m in timeline.moments],
        doubtful=all(m.present is False for m in timeline.moments),
        warnings=list(timeline.warnings),
        fit=list(timeline.importance.values),
    )
