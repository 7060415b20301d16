"""Mutated requests over the schema (tests/fuzz/api.py), and what they once found."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from iptnet.serving.app import create_app
from tests.fuzz import api
from tests.serving.fakes import House, settled, submit, wait_for
from tests.serving.test_hostile import files_of, raw

pytestmark = pytest.mark.fault(19)


def test_mutated_requests_are_refused_or_harmless() -> None:
    seen, findings = api.fuzz(60, seed=19, cases=600)
    assert findings == []
    assert sum(seen.values()) == 600 and seen[200] > 20 and seen[404] > 20 and seen[400] > 20


def test_the_judge_sees_what_it_is_there_for() -> None:
    strict = dict.fromkeys(api.STRICT, b"x")
    ask = api.Ask("GET", b"/", b"", [], [], False)
    refusal = b'{"error": {"cause": "a", "remedy": "b", "code": "usage"}}'
    assert api.judge(ask, api.Answer(400, strict, refusal), {"usage"}) == ""
    for answer in (
        api.Answer(500, strict, refusal),
        api.Answer(400, strict, b"Bad"),
        api.Answer(400, strict, refusal.replace(b"usage", b"other")),
        api.Answer(200, {}, b""),
        api.Answer(200, strict, api.FOREIGN.encode()),
        api.Answer(200, strict | {b"location": b"a\r\nb"}, b""),
        api.Answer(),
    ):
        assert api.judge(ask, answer, {"usage"}), answer


def test_what_is_opened_outside_is_seen(tmp_path: Path) -> None:
    (tmp_path / api.SECRET).write_text("x")
    with api.opened((tmp_path / "data",)) as found:
        (tmp_path / api.SECRET).read_text()
        (tmp_path / "elsewhere").write_text("x")
        assert len(found) == 2


def test_a_body_does_not_tear_the_answer_that_streams(open_house: House, film: Path) -> None:
    """What is sent with a GET was read while the answer went out, and refused in its middle."""
    app = create_app(open_house.service)
    with open_house.client() as client:
        id_ = submit(client, film)["id"]
        cookie = f"iptnet_session={client.cookies['iptnet_session']}".encode()
    headers = [(b"host", b"localhost"), (b"cookie", cookie)]
    pieces = [b"x" * 40_000] * 5
    ask = api.Ask("GET", f"/api/videos/{id_}/video".encode(), b"", headers, pieces, False)
    answer = asyncio.run(api.send(app, ask))
    assert answer.status == 200 and answer.body == film.read_bytes()


def test_a_body_announced_as_too_large_is_refused_before_it_is_read(open_house: House) -> None:
    answer = raw(
        open_house.url,
        b"GET /api/server HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n"
        b"Connection: close\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 413") and b'"too-large"' in answer


def test_an_upload_that_breaks_off_is_no_failure_of_ours(
    open_house: House, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /api/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    with caplog.at_level(logging.WARNING), open_house.client() as client:
        raw(open_house.url, head + b"x" * 5000, close=True)
        wait_for(lambda: open_house.service.jobs.active() == 0)
        assert settled(client, submit(client, film)["id"])["state"] == "done"
    assert not [r for r in caplog.records if r.exc_info], caplog.text
    assert len({name.split("/")[0] for name in files_of(open_house)}) == 1
