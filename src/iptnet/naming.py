"""Names of result folders, after the videos that they are of, and of what they hold."""

from __future__ import annotations

import os
from pathlib import PurePath

FILES = ("summary.mp4", "timeline.json", "storyboard.jpg", "curve.svg", "report.html")
"""What a summary's folder may hold."""

LONGEST = 255
"""Bytes of a folder's name on most file systems."""


def stem_of(name: str) -> str:
    """Name a video without its ending; never a name that means another folder."""
    stem = PurePath(name).stem
    # The stem of "...mp4" is "..", which would be the folder above.
    return stem if stem.strip(". ") else "video"


def numbered(stem: str, count: int) -> str:
    """Name the first of some videos of one stem by it, the others ``stem-2``, ``stem-3`` …"""
    if count == 1:
        return stem
    ending = f"-{count}"
    if len(os.fsencode(stem)) + len(ending) > LONGEST:
        stem = os.fsencode(stem)[: LONGEST - len(ending)].decode("utf-8", "ignore")
    return stem + ending
