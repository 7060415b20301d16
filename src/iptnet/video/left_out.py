"""What a video holds that no cut of it has: further tracks, covers, attached files, chapters."""

from __future__ import annotations

from iptnet.video.probe import VideoInfo

KINDS = {
    "subtitle": "subtitle track",
    "further audio": "further sound track",
    "audio": "sound track that cannot be decoded",
    "video": "further picture track",
    "picture": "attached picture",
    "attachment": "attached file",
    "data": "data track",
    "chapter": "chapter",
}
"""Kinds of :attr:`VideoInfo.others` in words, in the order to tell them in."""


def left_out(info: VideoInfo) -> str:
    """Begin a sentence about it: ``1 subtitle track and 2 chapters are``; empty without any."""
    counts = [(info.others[kind], words) for kind, words in KINDS.items() if info.others.get(kind)]
    parts = [f"{count} {_plural(words) if count > 1 else words}" for count, words in counts]
    if not parts:
        return ""
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{listed} {'is' if sum(count for count, _ in counts) == 1 else 'are'}"


def _plural(words: str) -> str:
    return words.replace("track", "tracks", 1) if "track" in words else f"{words}s"
