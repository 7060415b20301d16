"""The application: routes put together, guarded, with every refusal as the same JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from iptnet import __version__
from iptnet.errors import IptnetError
from iptnet.serving.failures import STATUS, RefusedError, failure_of
from iptnet.serving.files import file_response
from iptnet.serving.records import Failure
from iptnet.serving.result_routes import result_routes
from iptnet.serving.security import Guard
from iptnet.serving.service import Service
from iptnet.serving.sessions import renew
from iptnet.serving.video_routes import UPLOADS, video_routes
from iptnet.serving.watch_routes import watch_routes

STATIC = Path(str(files("iptnet.serving"))) / "static"
_HTTP_CODES = {404: "missing", 405: "usage", 413: "too-large"}


def create_app(service: Service) -> FastAPI:
    """The page and its API over a service, which starts and stops with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.stop()

    app = FastAPI(
        title="iptnet",
        version=__version__,
        summary="Summaries of videos, and where in them a sentence happens.",
        description="See docs/api.md. Every answer that is no success is "
        '`{"error": {"cause", "remedy", "code"}}`.',
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    app.include_router(watch_routes(service))
    app.include_router(video_routes(service))
    app.include_router(result_routes(service))

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        response = await file_response(request, STATIC / "index.html", "text/html; charset=utf-8")
        renew(request, response)
        return response

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(IptnetError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _refused)
    app.add_middleware(Guard, settings=service.settings, uploads=UPLOADS)
    return app


def _answer(failure: Failure, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": asdict(failure)}, status, headers)


async def _refused(_: Request, error: Exception) -> Response:
    failure = failure_of(error)
    headers = error.headers if isinstance(error, RefusedError) else None
    return _answer(failure, STATUS[failure.code], headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    where = ".".join(str(part) for part in first.get("loc", ())[1:])
    # What was sent is not repeated: it may be long, and it is the sender's anyway.
    cause = f"{where}: {str(first.get('msg', 'invalid')).lower()}"
    return _answer(Failure(cause, "see /openapi.json", "usage"), 400)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, "usage")
    cause = "there is nothing at this address" if code == "missing" else str(error.detail)
    headers = dict(error.headers) if error.headers else None
    return _answer(Failure(cause, "see /openapi.json", code), error.status_code, headers)
