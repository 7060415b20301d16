"""Mutated requests over the OpenAPI schema, against the real application in this process.

    python -m tests.fuzz.api --seconds 30 --seed 0

Requests go in as ASGI messages, so that no client library tidies them first: paths, queries,
headers and bodies are whatever the dice say, most of them near what the schema asks for. Of every
answer is demanded: no 5xx but "no room", every refusal as our JSON, the strict headers, nothing of
another session; and of the process: no file opened outside its data folder that a request could
have named.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from iptnet.serving.app import create_app
from iptnet.serving.folders import well_formed
from iptnet.serving.service import Service
from iptnet.serving.settings import Settings
from tests.serving.fakes import FakeModel
from tests.video.making import make

SECRET, FOREIGN = "secret-outside", "foreign-marker"
ROOM = {500: False, 503: False, 507: True}
TEXTS = [
    b"",
    b"x",
    b"..",
    b"../" * 8 + b"etc/passwd",
    b"%2e%2e%2f",
    b"\0",
    b"a\0b",
    b"\r\nSet-Cookie: a=b",
    b"<script>alert(1)</script>",
    b"\xe2\x80\xaegpj",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"' OR 1=1 --",
    b"a" * 3000,
    "影片 é".encode(),
    b"video",
    b"summary",
    b"preview",
    b"json",
    b"csv",
    b"edl",
    b"report",
    b"storyboard",
    b"vtt",
    b"NaN",
    b"-1",
    b"0",
    b"1",
    b"0.5",
    b"1e400",
    b"9" * 400,
    b"0x10",
    b"true",
    "１".encode(),
    b"null",
    b"[]",
    b"{}",
    b"cover.jpg",
    b"0.jpg",
    SECRET.encode(),
]
HEADERS: dict[bytes, list[bytes]] = {
    b"host": [
        b"localhost",
        b"127.0.0.1:8000",
        b"evil.example",
        b"",
        b"[::1]",
        b"[",
        b"localhost:x",
    ],
    b"origin": [b"http://localhost", b"http://evil.example", b"null", b"", b"http://localhost:1"],
    b"sec-fetch-site": [b"same-origin", b"cross-site", b"none", b"x"],
    b"range": [
        b"bytes=0-",
        b"bytes=-5",
        b"bytes=9-1",
        b"bytes=0-1,3-4",
        b"bytes=" + b"1-1," * 99,
        b"bytes=999999999999-",
        b"items=1",
        b"bytes=\xff-",
        b"bytes=0-" + b"9" * 40,
    ],
    b"if-range": [b"x", b'"x"', b"\xff"],
    b"if-none-match": [b"*", b'"x"', b"\xff" * 2000],
    b"content-length": [b"0", b"5", b"-1", b"9" * 30, b"x", b"999999999999"],
    b"content-type": [
        b"application/json",
        b"multipart/form-data",
        b"multipart/form-data; boundary=x",
        b"video/mp4",
        b"\xff",
    ],
    b"cookie": [
        b"iptnet_session=x",
        b"iptnet_session=" + b"a" * 43,
        b"\xff",
        b"a=b; iptnet_session",
    ],
    b"accept": [b"*/*", b"\xff"],
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "\u00e9"]
STRICT = {b"content-security-policy", b"x-content-type-options", b"referrer-policy"}


@dataclass(frozen=True)
class Ask:
    """One request, as ASGI sees it."""

    method: str
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    leaves: bool


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


async def send(app: Any, ask: Ask) -> Answer:
    """Put one request to the application; a client that has sent all goes away when answered."""
    answer, pieces = Answer(), list(ask.pieces)
    ended = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            more = bool(pieces) or ask.leaves
            return {"type": "http.request", "body": piece, "more_body": more}
        if not ask.leaves:  # event streams never end by themselves
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), 0.05 if b"events" in ask.path else 20)
        return {"type": "http.disconnect"}

    async def told(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], dict(message["headers"])
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
            if not message.get("more_body"):
                ended.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": ask.method,
        "path": ask.path.decode("utf-8", "replace"),
        "raw_path": ask.path,
        "root_path": "",
        "query_string": ask.query,
        "headers": ask.headers,
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await asyncio.wait_for(app(scope, receive, told), 30)
    return answer


class Dice:
    """Requests near the schema.

    Args:
        schema: the OpenAPI document.
        seed: of all choices.
    """

    def __init__(self, schema: dict[str, Any], seed: int) -> None:
        self._draw = random.Random(seed)
        self._routes = [
            (verb.upper(), path, operation.get("parameters", []))
            for path, verbs in sorted(schema["paths"].items())
            for verb, operation in sorted(verbs.items())
        ]

    def text(self) -> bytes:
        """A hostile value, perhaps damaged."""
        value = self._draw.choice(TEXTS)
        if self._draw.random() < 0.2:
            value = bytearray(value + self._draw.randbytes(3))  # type: ignore[assignment]
            value[self._draw.randrange(len(value))] = self._draw.randrange(256)  # type: ignore[index]
        return bytes(value)

    def ask(self, ids: list[str], cookie: bytes, film: bytes) -> Ask:
        """One request."""
        draw = self._draw
        verb, path, parameters = draw.choice(self._routes)
        filled = path.encode()
        query: list[tuple[bytes, bytes]] = []
        for parameter in parameters:
            name = parameter["name"].encode()
            good = draw.random() < 0.75
            if name == b"id_":
                value = draw.choice(ids).encode() if good and ids else self.text()
            else:
                value = self._good(parameter["schema"]) if good else self.text()
            if parameter["in"] == "path":
                filled = filled.replace(b"{%s}" % name, value)
            else:
                query += [(name, value)] * draw.choice([0, 1, 1, 1, 2, 25])
        if draw.random() < 0.1:
            query.append((self.text(), self.text()))
        if draw.random() < 0.05:
            filled = draw.choice([b"/static/", b"/", b"//", b"/api/", b"/static/../"]) + self.text()
        joined = b"&".join(
            (b"%s=%s" % (quote_from_bytes(k).encode(), quote_from_bytes(v).encode()))
            if draw.random() < 0.9
            else k + b"=" + v
            for k, v in query
        )
        headers = [(b"host", b"localhost"), (b"cookie", cookie)]
        for name, values in HEADERS.items():
            if draw.random() < 0.08:
                value = draw.choice(values) if draw.random() < 0.8 else self.text()
                headers = [h for h in headers if h[0] != name] + [(name, value)]
        method = verb if draw.random() < 0.9 else draw.choice(METHODS)
        upload = draw.choice([b"", b"x", b"text" * 99, draw.randbytes(500), b"#EXTM3U\n", film])
        body = upload if path == "/api/videos" else draw.choice([b"", b"", b"{}", b"x" * 70_000])
        pieces = [body[i : i + 40_000] for i in range(0, len(body), 40_000)] or [b""]
        return Ask(method, filled, joined, headers, pieces, draw.random() < 0.05)

    def _good(self, schema: dict[str, Any]) -> bytes:
        draw = self._draw
        if "enum" in schema:
            return str(draw.choice(schema["enum"])).encode()
        match schema.get("type"):
            case "number":
                return draw.choice([b"0.15", b"1", b"1e-9", b"0.999"])
            case "integer":
                return draw.choice([b"1", b"0", b"50", b"99999"])
            case _:
                return draw.choice([b"a person", b"json", b"csv", b"report", b"film.mp4"])


@contextmanager
def opened(allowed: tuple[Path, ...]) -> Iterator[list[str]]:
    """Note what is opened for writing outside some folders, and every opening of the secret."""
    found: list[str] = []
    active = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not active or event != "open" or not isinstance(arguments[0], str | bytes):
            return
        name, mode, flags = arguments
        path = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        writes = bool(flags & 0o3) or (isinstance(mode, str) and any(c in mode for c in "wax+"))
        outside = not any(path.startswith(str(a)) for a in (*allowed, "/dev/null"))
        if SECRET in path or "passwd" in path or (writes and outside):
            found.append(f"opened {path!r} ({mode}, {flags:o})")

    sys.addaudithook(hook)
    try:
        yield found
    finally:
        active = False  # a hook cannot be taken away


def judge(ask: Ask, answer: Answer, schema_codes: set[str]) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if answer.status == 0:
        return "" if ask.leaves or b"events" in ask.path else "no answer"
    if answer.status >= 500 and not ROOM.get(answer.status, False):
        return f"status {answer.status}: {answer.body[:200]!r}"
    if missing := STRICT - answer.headers.keys():
        return f"without {missing}"
    if FOREIGN.encode() in answer.body or SECRET.encode() + b"-content" in answer.body:
        return "tells what is not the asker's"
    if any(b"\r" in v or b"\n" in v for v in answer.headers.values()):
        return "a header with a line break"
    if answer.status >= 400 and ask.method != "HEAD":
        try:
            error = json.loads(answer.body)["error"]
            if set(error) != {"cause", "remedy", "code"} or error["code"] not in schema_codes:
                return f"a refusal of another kind: {error}"
        except (ValueError, KeyError, TypeError):
            return f"a refusal that is no JSON of ours: {answer.status} {answer.body[:200]!r}"
    return ""


async def _fuzz(
    seconds: float, cases: int, seed: int, base: Path
) -> tuple[Counter[int], list[str]]:
    from iptnet.serving.failures import STATUS

    (base / f"{SECRET}.txt").write_text(f"{SECRET}-content")
    film = make(base / "film.mp4", 300).read_bytes()
    model = FakeModel()
    model.gate.set()
    settings = Settings(base / "data", quota=200 << 20, max_active=4)
    service = Service(settings, lambda: model)  # type: ignore[arg-type,return-value]
    app, seen, findings = create_app(service), Counter[int](), list[str]()
    dice, cookie = Dice(app.openapi(), seed), b"iptnet_session=" + b"m" * 43

    async def upload(cookie: bytes, name: str) -> str:
        headers = [(b"host", b"localhost"), (b"cookie", cookie)]
        ask = Ask("POST", b"/api/videos", b"name=" + name.encode(), headers, [film], False)
        answer = await send(app, ask)
        return str(json.loads(answer.body)["id"]) if answer.status == 201 else ""

    service.start()
    loop = asyncio.get_running_loop()
    until, asked = loop.time() + seconds, 0
    try:
        with opened((base, Path(tempfile.gettempdir()))) as touched:
            foreign = await upload(b"iptnet_session=" + b"f" * 43, FOREIGN + ".mp4")
            mine = await upload(cookie, "film.mp4")
            while loop.time() < until and asked < cases and not findings:
                asked += 1
                ask = dice.ask([mine, foreign], cookie, film)
                try:
                    answer = await send(app, ask)
                    wrong = judge(ask, answer, {*STATUS, "crashed"})
                    seen[answer.status] += 1
                except Exception as error:  # whatever comes out of the application is a finding
                    wrong = f"{type(error).__name__}: {error}"
                wrong = wrong or "; ".join(touched)
                if wrong:
                    findings.append(f"{wrong}\n  request {asked} of seed {seed}: {str(ask)[:1500]}")
                if service.jobs.video(mine) is None and asked % 50 == 0:
                    mine = await upload(cookie, "film.mp4")
            if service.jobs.video(foreign) is None:
                findings.append("another session's video is gone")
            strays = [
                p.name for p in (base / "data" / "videos").iterdir() if not well_formed(p.name)
            ]
            if strays:
                findings.append(f"a folder of no video: {strays}")
    finally:
        await asyncio.to_thread(service.stop)
    return seen, findings


def fuzz(seconds: float, seed: int, cases: int = 10**9) -> tuple[Counter[int], list[str]]:
    """Ask so long or so often; how often each status came, and what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_fuzz(seconds, cases, seed, Path(folder)))


def main(given: Sequence[str] | None = None) -> int:
    """Fuzz; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for what was found")
    arguments = parser.parse_args(given)
    seen, findings = fuzz(arguments.seconds, arguments.seed)
    print(
        f"api: {sum(seen.values())} requests, seed {arguments.seed}: {dict(sorted(seen.items()))}"
    )
    for finding in findings:
        print(finding, file=sys.stderr)
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / f"seed-{arguments.seed}.txt").write_text(finding)
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
