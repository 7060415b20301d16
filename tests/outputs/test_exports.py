"""The list of formats, their exact text, and what hostile or senseless timelines make of them."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import opentimelineio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from opentimelineio.url_utils import filepath_from_url

from iptnet.errors import InputError, UsageError
from iptnet.outputs.exports import FORMATS, export, file_stem, stem_of
from iptnet.outputs.location import address
from iptnet.outputs.markup import clean
from iptnet.rates import edit_rate
from iptnet.timeline import LATEST, Curve, Keyshot, Moment, Shot, Source, Timeline
from tests.outputs.readers import READERS
from tests.outputs.timelines import HOSTILE, hostile, sourced, timeline

GOLDEN = Path(__file__).with_name("golden")
NAMES = (
    *HOSTILE,
    "line\nbreak\r\n--> 00:00.mp4",
    "a=b;c#d\\e%20f.mp4",
    "=cmd|' /C calc'!A0.mp4",
    "* FROM CLIP NAME: x.mp4",
    "../../etc/passwd",
    "C:\\videos\\talk.mp4",
    "",
    "\ud800\udfff",
)
NO_EMPTY = {"csv", "auto-editor", "ffconcat"}


def example() -> Timeline:
    """29.97 across minutes and the hour, a name that every format must escape."""
    name = "Garden & 'Café' <1>; #2=\\.mp4"
    source = Source(f"/films/{name}", name, "ab" * 32, 3700.03, 30000 / 1001, 1920, 1080, 0.0, True)
    frames = ((0, 60), (1790, 1810), (17970, 18002), (107890, 107900), (110800, 110889))
    return Timeline(
        source,
        Curve((0.0, 1850.0, 3700.0), (0.2, 0.9, 0.4)),
        shots=(Shot(0.0, 60.06, 0.4, True), Shot(60.06, 3700.03, 0.6, True)),
        keyshots=tuple(Keyshot(a * 1001 / 30000, b * 1001 / 30000, 0.5) for a, b in frames),
        moments=(Moment(1.0, 2.5, 'a "dog" & <cat>', 0.9, 0.5),),
    )


@pytest.mark.parametrize("name", FORMATS)
def test_exact_text(name: str) -> None:
    """Reviewed once by eye; ``IPTNET_GOLDEN=1`` writes them anew."""
    path = GOLDEN / f"garden{FORMATS[name].suffix}"
    text = FORMATS[name].render(example())
    if os.environ.get("IPTNET_GOLDEN") == "1":
        path.write_bytes(text.encode("utf-8"))
    assert path.read_bytes().decode("utf-8") == text


def test_formats_can_be_told_apart() -> None:
    suffixes = [f.suffix for f in FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes) and all(s.startswith(".") for s in suffixes)
    for name, one in FORMATS.items():
        assert one.name == name and one.description and "/" in one.media_type
    assert set(READERS) == set(FORMATS) - {"json", "curve"}


def test_all_files_of_a_video(tmp_path: Path) -> None:
    files = export(timeline(), FORMATS, tmp_path / "new")
    assert [f.name for f in files] == [f"film{one.suffix}" for one in FORMATS.values()]
    assert sorted(files) == sorted((tmp_path / "new").iterdir())
    assert export(timeline(), ["csv", "csv"], tmp_path, "other") == (tmp_path / "other.csv",)


def test_an_unknown_format_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'doc'.*edl"):
        export(timeline(), ["edl", "doc"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", sorted(NO_EMPTY))
def test_what_cannot_be_empty_is_refused_before_anything_is_written(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="neither keyshots nor moments"):
        export(sourced(10, 25), ["edl", name], tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", sorted(set(READERS) - NO_EMPTY))
def test_nothing_selected_is_a_valid_file(name: str, tmp_path: Path) -> None:
    (path,) = export(sourced(10, 25), [name], tmp_path)
    if name == "edl":
        return  # no events, which the adapter has no track for
    assert READERS[name](path, edit_rate(25)) == []


@pytest.mark.parametrize("name", NAMES, ids=lambda n: ascii(n)[:20])
@pytest.mark.parametrize("kind", sorted(set(READERS)))
def test_hostile_names_and_queries(kind: str, name: str, tmp_path: Path) -> None:
    """Readers find the same segments whatever the video and the query are called."""
    made = replace(hostile(name), keyshots=())
    try:
        (path,) = export(made, [kind], tmp_path)
    except InputError as error:
        assert kind == "ffconcat" and "concat list" in str(error)
        assert re.search("[\n\0\ud800-\udfff]", name)
        return
    assert path.parent == tmp_path and list(tmp_path.iterdir()) == [path]
    found = READERS[kind](path, edit_rate(25))
    assert len(found) == 2
    names = [r.name for r in found if r.name is not None]
    if names:
        want = {f"{clean(name)} (1)".lstrip(), "plain (1)"}
        assert {n.removeprefix("'") if kind == "csv" else n for n in names} == want
    text = path.read_text("utf-8")
    # A list and a plain path must name the file as it is called; everything else is for reading.
    assert "\x00" not in text and ("\u202e" not in text or kind in {"ffconcat", "otio"})


def test_cues_hold_no_markup() -> None:
    made = replace(hostile("<b>&amp;</b> --> x"), keyshots=())
    text = FORMATS["vtt"].render(made)
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt; --&gt; x (1)" in text


def test_no_cell_is_a_formula() -> None:
    text = FORMATS["csv"].render(replace(hostile("=1+1"), keyshots=()))
    assert "'=1+1" in text and ",=" not in text


@pytest.mark.parametrize("name", NAMES, ids=lambda n: ascii(n)[:20])
def test_stems_stay_in_their_folder(name: str) -> None:
    for stem in (file_stem(name), stem_of(hostile(name))):
        assert stem and not re.search(r'[/\\<>:"|?*\x00-\x1f]', stem)
        assert stem not in {".", ".."} and not stem.startswith(("-", "."))
        assert len(stem.encode("utf-8")) <= 150


def test_stems_are_those_of_the_video() -> None:
    assert stem_of(timeline(name="my talk v1.2.mp4")) == "my talk v1.2"
    assert stem_of(timeline(name="talk")) == "talk"
    assert stem_of(timeline(name=".mp4")) == "mp4"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/films/a b#1?%.mp4", "file:///films/a%20b%231%3F%25.mp4"),
        ("films/é.mp4", "./films/%C3%A9.mp4"),
        ("http://host/x.mp4", "./http%3A//host/x.mp4"),
        ("//host/share/x.mp4", "file:////host/share/x.mp4"),
        ("C:\\films\\a b.mp4", "file:///C:/films/a%20b.mp4"),
        ("/caf\udce9.mp4", "file:///caf%E9.mp4"),
        ("/\ud800.mp4", "file:///%3F.mp4"),
    ],
)
def test_addresses(path: str, url: str) -> None:
    source = replace(sourced(1, 25).source, path=path)
    assert address(source) == url
    if path.startswith("/films"):
        assert unquote_to_bytes(urlsplit(url).path) == path.encode()


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/films/a b é.mp4", "/films/a b é.mp4"),
        ("/films/100% #1?.mp4", "/films/100% #1?.mp4"),
        ("films/é.mp4", "films/é.mp4"),
        ("http://host/x.mp4", "./http://host/x.mp4"),
        ("C:\\films\\a b.mp4", "C:\\films\\a b.mp4"),
        ("C:/films/a.mp4", "C:/films/a.mp4"),
        ("\\\\host\\share\\x.mp4", "\\\\host\\share\\x.mp4"),
        ("/\ud800.mp4", "/?.mp4"),
    ],
)
def test_otio_names_the_video_by_its_plain_path(path: str, plain: str) -> None:
    made = replace(timeline(), source=replace(sourced(20, 25).source, path=path))
    document = opentimelineio.adapters.read_from_string(FORMATS["otio"].render(made), "otio_json")
    assert {c.media_reference.target_url for c in document.find_clips()} == {plain}
    if path.startswith("/films/a"):
        assert filepath_from_url(plain) == path


def test_sound_is_promised_only_where_there_may_be_some() -> None:
    for audio, promised in ((True, True), (None, True), (False, False)):
        made = replace(sourced(10, 25, audio=audio), keyshots=(Keyshot(1.0, 2.0, 0.5),))
        assert ("AA/V" in FORMATS["edl"].render(made)) == promised
        assert ('hasAudio="1"' in FORMATS["fcpxml"].render(made)) == promised
        assert ('"Audio"' in FORMATS["otio"].render(made)) == promised


def test_overlapping_moments_play_once_in_auto_editor() -> None:
    found = (Moment(1, 3, "a", 0.9), Moment(2, 4, "a", 0.8), Moment(0, 10, "b", 0.1))
    made = replace(sourced(10, 25), moments=found[:2])
    chunks = json.loads(FORMATS["auto-editor"].render(made))["chunks"]
    assert chunks == [[0, 25, 99999.0], [25, 75, 1.0], [75, 100, 1.0], [100, 250, 99999.0]]
    made = replace(made, moments=found)
    assert json.loads(FORMATS["auto-editor"].render(made))["chunks"] == [[0, 250, 1.0]]


def test_segments_beyond_the_video_are_cut_off() -> None:
    spans = (Keyshot(1, 2, 0.5), Keyshot(9, 20, 0.5), Keyshot(11, 12, 0.5), Keyshot(3, 3, 0.5))
    rows = FORMATS["csv"].render(replace(sourced(10, 25), keyshots=spans)).splitlines()
    assert rows == ["1.000000,2.000000,Keyshot 1", "9.000000,10.000000,Keyshot 2"]


anything = st.one_of(
    st.floats(0, 1e6), st.sampled_from((0.0, 1e-300, 5e-324, 1e15, 1e300, 1.7e308))
)
numbers = st.one_of(anything, anything.map(lambda x: -x))
spans = st.tuples(*[anything.map(lambda x: min(x, LATEST))] * 2).map(sorted)


@settings(max_examples=60)
@given(
    st.builds(
        Source,
        *(st.text(max_size=12), st.text(max_size=12), st.just("")),
        *(numbers, numbers, st.integers(-2, 10**6), st.integers(-2, 10**6), numbers),
        st.sampled_from((True, False, None)),
    ),
    st.lists(spans.map(lambda s: Keyshot(s[0], s[1], 0.5)), max_size=3),
    st.lists(
        st.builds(lambda s, q: Moment(s[0], s[1], q, 0.5), spans, st.text(max_size=9)), max_size=3
    ),
)
def test_no_timeline_crashes_a_writer(
    source: Source, keyshots: list[Keyshot], moments: list[Moment]
) -> None:
    made = Timeline(source, Curve((), ()), keyshots=tuple(keyshots), moments=tuple(moments))
    for name, one in FORMATS.items():
        try:
            text = one.render(made)
        except InputError:
            continue
        text.encode("utf-8")
        if name in {"fcpxml", "curve"}:
            etree.fromstring(text.encode("utf-8"))
