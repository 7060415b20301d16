"""Slips of the pen: the nearest command, option or format is named, and nothing runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from iptnet.cli.main import COMMANDS

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["summarise", "x.mp4"], "iptnet summarize?"),
        (["Summarize", "x.mp4"], "iptnet summarize?"),
        (["summary", "x.mp4"], "iptnet summarize?"),
        (["finde", "x", "y"], "iptnet find?"),
        (["evalute"], "iptnet evaluate?"),
        (["sumarize", "--help"], "iptnet summarize?"),
        (["summarize", "x.mp4", "--rato", "0.1"], "--ratio?"),
        (["summarize", "x.mp4", "--Ratio=0.1"], "--ratio?"),
        (["summarize", "--novideo", "x"], "--no-video?"),
        (["batch", "x", "--out", "y", "--shards", "1/2"], "--shard?"),
        (["serve", "--prot", "1"], "--port?"),
        (["summarize", "x.mp4", "-o", "y"], "--out?"),
        (["summarize", "x.mp4", "-ratio", "0.1"], "--ratio?"),
        (["export", "x", "--to", "edl,otoi"], "otio?"),
    ],
)
def test_a_near_miss_is_told_what_is_meant(run: Run, arguments: list[str], meant: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert f"did you mean {meant}" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["xyzzy"], "iptnet --help lists the commands"),
        (["summarize", "--xyzzy"], "iptnet summarize --help lists them"),
        (["summarize", "x.mp4", "-n"], "iptnet summarize --help lists them"),
        (["--ratio", "15%", "summarize", "x"], "iptnet COMMAND"),
    ],
)
def test_what_is_like_nothing_leads_to_the_help(run: Run, arguments: list[str], told: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and told in err and err.count("\n") == 1


def test_a_video_in_the_place_of_a_command(run: Run, tmp_path: Path) -> None:
    video = tmp_path / "x.mp4"
    video.touch()
    code, _, err = run(video)
    assert code == 2 and f"iptnet summarize {video}" in err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_the_help_is_known(run: Run, name: str) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    for field in fields(COMMANDS[name]):
        option = f"--{field.name}".replace("_", "-")
        if option in out:
            code, _, err = run(name, option)
            assert "has no option" not in err, option


def test_what_stands_behind_two_dashes_is_no_option(run: Run, tmp_path: Path) -> None:
    code, _, err = run("summarize", "--out", tmp_path / "o", "--", "--rato.mp4")
    assert code == 3 and "--rato.mp4 does not exist" in err


@pytest.mark.parametrize("ratio", ["15%", "15 %", ".15", "0,15"])
def test_ratios_are_read_as_people_write_them(run: Run, tmp_path: Path, ratio: str) -> None:
    code, _, err = run("summarize", tmp_path / "no.mp4", "--ratio", ratio, "--out", tmp_path / "o")
    assert code == 3 and "no.mp4 does not exist" in err


@pytest.mark.parametrize(("ratio", "told"), [("15", "15%"), ("much", "15%"), ("0", "15%")])
def test_what_is_no_ratio_is_told_how_to_write_one(run: Run, ratio: str, told: str) -> None:
    for command in (["summarize"], ["batch", "x", "--out", "y"], ["demo"]):
        code, _, err = run(*command, "--ratio", ratio)
        assert code == 2 and told in err and err.count("\n") == 1
