"""What strangers send: refused with a clear word, or harmless."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlparse

import httpx2 as httpx
import pytest

from iptnet.serving.names import attachment, display_name
from tests.serving.fakes import House, house, settled, submit, wait_for

pytestmark = pytest.mark.fault(19)

NAMES = [
    "<script>alert(1)</script>.mp4",
    "../../../etc/passwd",
    "..\\..\\windows\\system32.mp4",
    "%2e%2e%2f%2e%2e%2fx.mp4",
    "nul\0byte.mp4",
    "photo\u202egpj.mp4",
    "x" * 10_000 + ".mp4",
    "con\r\nSet-Cookie: a=b.mp4",
    "..",
    "",
    "ünï 影片.mp4",
    '"quoted".mp4',
]


def error(answer: httpx.Response) -> dict[str, str]:
    body = answer.json()["error"]
    assert set(body) == {"cause", "remedy", "code"} and body["cause"], body
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, str] = body
    return found


def raw(url: str, text: bytes, *, close: bool = False, seconds: float = 10) -> bytes:
    """Send bytes as they are; what comes back until the other side closes."""
    parts = urlparse(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=seconds) as wire:
        wire.sendall(text)
        if close:
            return b""
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
        return answer


def files_of(it: House) -> list[str]:
    root = it.service.settings.data / "videos"
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_a_name_never_reaches_a_path_or_a_header(open_house: House, film: Path) -> None:
    outside = set(open_house.service.settings.data.parent.iterdir())
    with open_house.client() as client:
        for name in NAMES:
            status = submit(client, film, name)
            shown = status["name"]
            assert 0 < len(shown) <= 200 and shown.strip(". ")
            assert not set(shown) & set("/\\\0\r\n\u202e"), shown
            if name not in (NAMES[0], NAMES[5], NAMES[7], NAMES[11]):
                continue  # pictures take a child each; the worst four are enough
            settled(client, status["id"])
            answer = client.get(f"/api/videos/{status['id']}/exports/csv")
            assert answer.status_code == 200 and "set-cookie" not in answer.headers
            assert "\n" not in answer.headers["content-disposition"]
            report = client.get(f"/api/videos/{status['id']}/exports/report").text
            assert "<script>alert(1)</script>" not in report
    assert set(open_house.service.settings.data.parent.iterdir()) == outside
    tops = {name.split("/")[0] for name in files_of(open_house)}
    assert all(len(top) == 22 for top in tops) and len(tops) == len(NAMES)


def test_names_are_told_as_they_are_where_that_is_safe() -> None:
    assert display_name("C:\\films\\My talk (1).mp4") == "My talk (1).mp4"
    assert display_name("影片.mkv") == "影片.mkv"
    assert display_name("x" * 999 + ".mp4").endswith("x.mp4")
    assert attachment('a"b\\ü.mp4') == (
        "attachment; filename=\"a_b__.mp4\"; filename*=UTF-8''a%22b%5C%C3%BC.mp4"
    )


def test_queries_are_text(open_house: House, film: Path) -> None:
    with open_house.client() as client:
        id_ = submit(client, film)["id"]
        settled(client, id_)
        for query in ("<script>alert(1)</script>", "../..", "%2e%2e", "\u202eabc", "a\0b", "'; --"):
            answer = client.get(f"/api/videos/{id_}/moments", params={"query": query})
            assert answer.status_code == 200 and answer.json()["query"] == query
            exported = client.get(f"/api/videos/{id_}/exports/report", params={"query": query})
            assert "<script>alert(1)" not in exported.text
        for query in ("", "x" * 10_000):
            answer = client.get(f"/api/videos/{id_}/moments", params={"query": query})
            assert answer.status_code == 400 and error(answer)["code"] == "usage"
        for ratio in ("0", "-1", "1.01", "nan", "inf", "ten"):
            answer = client.get(f"/api/videos/{id_}/selection", params={"ratio": ratio})
            assert answer.status_code == 400, ratio
        many = client.get(f"/api/videos/{id_}/timeline", params={"query": ["x"] * 500})
        assert many.status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/api/videos/../../etc/passwd", "/api/videos/%2e%2e", "/api/videos/..%2f..%2fjobs.sqlite",
     "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd",
     "/static/%00", "/api/videos/" + "x" * 22, "/api/videos/" + "A" * 5000 + "/video",
     "/api/videos/" + quote("<script>alert(1)</script>"), "/nothing"],
)  # fmt: skip
def test_no_address_leads_out(open_house: House, path: str) -> None:
    answer = raw(
        open_house.url,
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(),
    )
    assert answer.split()[1] in {b"404", b"400"}
    assert b"<script" not in answer and b"root:" not in answer and b"import" not in answer


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "", "10.0.0.1"]
)
def test_another_host_is_not_answered(open_house: House, host: str) -> None:
    """A page whose name was made to point here (DNS rebinding) learns nothing."""
    answer = raw(
        open_house.url,
        f"GET /api/videos HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(),
    )
    assert answer.startswith(b"HTTP/1.1 421") and b'"code": "host"' in answer


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_our_own_names_are(open_house: House, host: str) -> None:
    answer = raw(
        open_house.url,
        f"GET /api/server HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(),
    )
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
     {"Origin": "http://localhost"}],
)  # fmt: skip
def test_another_origin_is_refused(
    open_house: House, film: Path, method: str, headers: dict[str, str]
) -> None:
    with open_house.client() as client:
        id_ = submit(client, film)["id"]
        path = {"GET": f"/api/videos/{id_}", "POST": "/api/videos", "DELETE": f"/api/videos/{id_}"}
        answer = client.request(method, path[method], headers=headers)
        assert answer.status_code == 403 and error(answer)["code"] == "foreign"
        assert len(client.get("/api/videos").json()) == 1


def test_a_form_of_another_site_is_refused(open_house: House) -> None:
    with open_house.client() as client:
        answer = client.post("/api/videos", content=b"x", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        own = client.get("/api/server", headers={"Origin": open_house.url})
        assert own.status_code == 200


def test_every_answer_is_strict(open_house: House, film: Path) -> None:
    with open_house.client() as client:
        id_ = submit(client, film)["id"]
        for path in ("/", "/static/app.js", "/api/server", f"/api/videos/{id_}/video", "/nothing"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy and "http" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_lying_content_length_leaves_nothing(open_house: House, film: Path) -> None:
    head = "POST /api/videos?name=a.mp4 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"
    data = film.read_bytes()
    # More announced than sent, and gone.
    raw(open_house.url, head.format(10**6).encode() + data[:500], close=True)
    wait_for(lambda: files_of(open_house) == [] and open_house.service.jobs.active() == 0)
    # Less announced than sent: that much is a (broken) video, the rest is no request.
    answer = raw(open_house.url, head.format(100).encode() + data)
    assert b"201 Created" in answer and b"400 Bad Request" in answer
    # Nonsense.
    for length in ("-5", "1e9", "99999999999999999999999"):
        answer = raw(open_house.url, head.format(length).encode() + b"x")
        assert answer.split()[1] in {b"400", b"413", b"507"}, length
    wait_for(lambda: open_house.service.jobs.active() == 0)


def test_bytes_are_counted_as_they_come(tmp_path: Path) -> None:
    """A chunked body says no length; the limit holds all the same."""

    def endless() -> Any:
        while True:
            yield b"x" * 10_000

    with house(tmp_path / "data", max_bytes=100_000) as it, it.client() as client:
        with pytest.raises(httpx.HTTPError):
            # The server answers and closes while we are still sending.
            answer = client.post("/api/videos", content=endless())
            assert error(answer)["code"] == "too-large"
            raise httpx.WriteError("it did not even break")
        answer = client.post("/api/videos", content=b"x" * 100_001)
        assert answer.status_code == 413 and error(answer)["code"] == "too-large"
        assert files_of(it) == [] and it.service.jobs.active() == 0


def test_the_quota_holds(tmp_path: Path, film: Path) -> None:
    size = film.stat().st_size
    with house(tmp_path / "data", quota=int(1.5 * size)) as it, it.client() as client:
        first = submit(client, film)
        answer = client.post("/api/videos", content=film.read_bytes())
        assert answer.status_code == 507 and error(answer)["code"] == "full"
        client.delete(f"/api/videos/{first['id']}")
        wait_for(lambda: files_of(it) == [])
        submit(client, film)


def test_an_upload_that_stalls_is_given_up(tmp_path: Path) -> None:
    with house(tmp_path / "data", stall_seconds=0.2) as it:
        head = b"POST /api/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nxx"
        answer = raw(it.url, head)
        assert answer.startswith(b"HTTP/1.1 408")
        assert files_of(it) == [] and it.service.jobs.active() == 0


def test_an_empty_upload_is_refused(open_house: House) -> None:
    with open_house.client() as client:
        answer = client.post("/api/videos", content=b"")
        assert answer.status_code == 422 and error(answer)["code"] == "input"


def test_a_form_with_1001_parts_is_not_even_read(open_house: House) -> None:
    parts = {f"f{i}": (f"{i}.mp4", b"x") for i in range(1001)}
    with open_house.client() as client:
        answer = client.post("/api/videos", files=parts)
        assert answer.status_code == 415 and "curl -X POST -T" in error(answer)["remedy"]
    assert files_of(open_house) == []


def test_a_large_body_where_none_belongs_is_harmless(open_house: House, film: Path) -> None:
    with open_house.client() as client:
        id_ = submit(client, film)["id"]
        answer = client.post(f"/api/videos/{id_}/cancel", content=b"x" * 200_000)
        assert answer.status_code in {200, 413}


def test_ten_thousand_ranges_are_refused(open_house: House, film: Path) -> None:
    with open_house.client() as client:
        id_ = submit(client, film)["id"]
        ranges = "bytes=" + ",".join(f"{i}-{i}" for i in range(5_000))
        answer = client.get(f"/api/videos/{id_}/video", headers={"Range": ranges})
        assert answer.status_code == 416 and error(answer)["code"] == "range"
        assert answer.headers["content-range"] == f"bytes */{film.stat().st_size}"
        ranges = "bytes=" + ",".join(f"{i}-{i}" for i in range(10_000))
        # So long a header is beyond what the server reads at all.
        assert client.get(f"/api/videos/{id_}/video", headers={"Range": ranges}).status_code in {
            400, 416, 431,
        }  # fmt: skip


def test_single_ranges_are_right(open_house: House, film: Path) -> None:
    data = film.read_bytes()
    with open_house.client() as client:
        path = f"/api/videos/{submit(client, film)['id']}/video"
        whole = client.get(path)
        assert whole.content == data and whole.headers["accept-ranges"] == "bytes"
        part = client.get(path, headers={"Range": "bytes=10-19"})
        assert part.status_code == 206 and part.content == data[10:20]
        assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
        assert client.get(path, headers={"Range": "bytes=-5"}).content == data[-5:]
        assert client.get(path, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
        tag = whole.headers["etag"]
        fresh = {"Range": "bytes=0-0", "If-Range": tag}
        assert client.get(path, headers=fresh).status_code == 206
        assert client.get(path, headers=fresh | {"If-Range": '"old"'}).status_code == 200
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
        head = client.head(path)
        assert head.content == b"" and head.headers["content-length"] == str(len(data))


def test_another_sessions_videos_do_not_exist(open_house: House, film: Path) -> None:
    with open_house.client() as mine, open_house.client() as other, open_house.client() as nobody:
        id_ = submit(mine, film)["id"]
        settled(mine, id_)
        submit(other, film)
        for path in ("", "/timeline", "/video", "/events", "/pictures", "/pictures/0.jpg",
                     "/exports/json", "/moments?query=x", "/selection"):  # fmt: skip
            for client in (other, nobody):
                answer = client.get(f"/api/videos/{id_}{path}")
                assert answer.status_code == 404 and error(answer)["code"] == "missing", path
        for verb, path in (("DELETE", ""), ("POST", "/cancel"), ("POST", "/renders/summary")):
            assert other.request(verb, f"/api/videos/{id_}{path}").status_code == 404
        assert nobody.get("/api/videos").json() == []
        assert [v["id"] for v in mine.get("/api/videos").json()] == [id_]


def test_forged_cookies_are_no_sessions(open_house: House) -> None:
    for token in ("", "x", "' OR 1=1 --", "a" * 5000, "../../x"):
        headers = {"Cookie": f"iptnet_session={token}"}
        with open_house.client() as client:
            assert client.get("/api/videos", headers=headers).json() == []
            made = client.get("/", headers=headers).headers["set-cookie"]
            assert "HttpOnly" in made and "SameSite=lax" in made
            fresh = made.partition(";")[0].removeprefix("iptnet_session=")
            assert len(fresh) == 43 and fresh != token


def test_fifty_at_once_are_bounded(tmp_path: Path, film: Path) -> None:
    data = film.read_bytes()
    few = house(tmp_path / "data", ready=False, max_active=5)
    with few as slow_house, slow_house.client() as client:
        submit(client, film)  # begins the session
        token = client.cookies["iptnet_session"]

        def send(_: int) -> httpx.Response:
            with slow_house.client() as one:
                one.cookies.set("iptnet_session", token)
                return one.post("/api/videos", content=data)

        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(send, range(50)))
        taken = [a for a in answers if a.status_code == 201]
        refused = [a for a in answers if a.status_code == 429]
        assert len(taken) == 4 and len(taken) + len(refused) == 50
        assert error(refused[0])["code"] == "busy" and refused[0].headers["retry-after"]
        assert client.get("/api/server").json()["turns"] == 0
        slow_house.model.gate.set()
        for video in client.get("/api/videos").json():
            assert settled(client, video["id"])["state"] == "done"
        assert client.get("/api/server").json()["turns"] == 5


def test_listeners_that_leave_are_forgotten(slow_house: House, film: Path) -> None:
    with slow_house.client() as client:
        id_ = submit(client, film)["id"]
        cookie = f"Cookie: iptnet_session={client.cookies['iptnet_session']}\r\n"
        for path in ("/api/events", f"/api/videos/{id_}/events"):
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n".encode()
            for _ in range(20):
                raw(slow_house.url, request, close=True)
        wait_for(lambda: len(slow_house.service.board._waiting) == 0)
        slow_house.model.gate.set()
        assert settled(client, id_)["state"] == "done"


def test_too_many_listeners_are_refused(tmp_path: Path) -> None:
    with house(tmp_path / "data", max_streams=2) as it:
        wires = []
        for _ in range(2):
            parts = urlparse(it.url)
            wire = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
            wire.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in wire.recv(4096)
            wires.append(wire)
        with it.client() as client:
            assert client.get("/api/events").status_code == 429
        for wire in wires:
            wire.close()


def test_events_tell_every_stage_to_the_end(slow_house: House, film: Path) -> None:
    with slow_house.client() as client:
        id_ = submit(client, film)["id"]
        told = []
        with client.stream("GET", f"/api/videos/{id_}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    told.append(json.loads(line.removeprefix("data: ")))
                    if (told[-1]["progress"] or {}).get("stage") == "frames":
                        slow_house.model.gate.set()  # no sooner, however slow this machine is
        assert told[-1]["state"] == "done" and told[-1]["ready"] and told[-1]["pictures"]
        stages = [t["progress"]["stage"] for t in told if t["progress"]]
        assert {"frames", "pictures"} <= set(stages)
        assert all(t["id"] == id_ for t in told)


def test_a_slow_client_does_not_keep_others_waiting(slow_house: House) -> None:
    head = b"POST /api/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nxx"
    parts = urlparse(slow_house.url)
    wires = [
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
        for _ in range(5)
    ]
    for wire in wires:
        wire.sendall(head)
    with slow_house.client() as client:
        began = time.monotonic()
        assert client.get("/api/server").status_code == 200
        assert time.monotonic() - began < 5
    for wire in wires:
        wire.close()
    wait_for(lambda: slow_house.service.jobs.active() == 0)
