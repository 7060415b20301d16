"""A real browser, and what it must never do: complain, ask elsewhere, or break its policy."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlparse

import pytest

FLAGS = [
    "--no-sandbox",  # we may be root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WATCH = """
window.broken = [];
document.addEventListener('securitypolicyviolation',
  e => broken.push(`${e.violatedDirective} ${e.blockedURI}`));
window.done = [];
new MutationObserver(() => {
  const now = document.querySelector('#busy .doing')?.textContent;
  if (now && done.at(-1) !== now) done.push(now);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


def executable() -> str:
    """The browser's path; skips the test where there is none."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    own = os.environ.get("IPTNET_CHROMIUM")
    found = own or next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no browser here: apt-get install chromium, or set IPTNET_CHROMIUM to its path")
    return found


@dataclass
class Tab:
    """A page with what happened on it.

    Attributes:
        page: playwright's.
        complaints: console errors and exceptions.
        elsewhere: requests to anything but our server.
        received: requests that were answered, by path.
        expected: parts of complaints that the test brings about itself.
    """

    page: Any
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    received: dict[str, Any] = field(default_factory=dict)
    expected: tuple[str, ...] = ()

    def seconds(self) -> float:
        """Where the video is."""
        return float(self.page.evaluate("document.getElementById('video').currentTime"))

    def until(self, condition: str, seconds: float = 30.0) -> None:
        """Wait for a JavaScript expression; playwright's own way needs what our policy forbids."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(30)

    def check(self) -> None:
        """Nothing went wrong that the test did not expect."""
        left = [c for c in self.complaints if not any(e in c for e in self.expected)]
        assert left == [] and self.elsewhere == []
        assert self.page.evaluate("window.broken") == []


@contextmanager
def tab(browser: Any, url: str, token: str | None = None, **options: Any) -> Iterator[Tab]:
    """A fresh profile on our page, checked when the block ends well."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
    context.set_default_timeout(60_000)
    if token:
        context.add_cookies([{"name": "iptnet_session", "value": token, "url": url}])
    page = context.new_page()
    it = Tab(page)
    host = urlparse(url).netloc

    def requested(request: Any) -> None:
        if urlparse(request.url).scheme in {"http", "https", "ws"} and (
            urlparse(request.url).netloc != host
        ):
            it.elsewhere.append(request.url)

    page.on("console", lambda m: it.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: it.complaints.append(str(error)))
    page.on("dialog", lambda dialog: it.complaints.append(f"dialog {dialog.message}"))
    page.on("request", requested)
    page.on("requestfinished", lambda r: it.received.update({urlparse(r.url).path: r}))
    page.add_init_script(WATCH)
    page.goto(url)
    try:
        yield it
        it.check()
    finally:
        context.close()
