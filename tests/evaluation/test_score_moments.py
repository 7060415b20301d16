"""``iptnet score`` on moments: tables by hand, and every way in which two files do not fit."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.errors import InputError
from iptnet.evaluation.predictions import MomentPrediction, read_predictions, write_predictions
from iptnet.evaluation.score_moments import score_moments


def truth(qid: Any, **more: Any) -> dict[str, Any]:
    return {
        "qid": qid,
        "query": "a dog",
        "vid": "v",
        "duration": 8,
        "relevant_windows": [[2, 6]],
        "relevant_clip_ids": [1, 2],
        "saliency_scores": [[4, 0, 0], [2, 3, 0]],
        **more,
    }


def guess(qid: Any, **more: Any) -> dict[str, Any]:
    return {
        "qid": qid,
        "query": "a dog",
        "vid": "v",
        "pred_relevant_windows": [[2, 5, 0.9], [0, 1, 0.3]],
        "pred_saliency_scores": [0.1, 0.9, 0.2, 0.0],
        **more,
    }


def write(path: Path, *rows: Any) -> Path:
    text = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def gt(tmp_path: Path) -> Path:
    return write(tmp_path / "gt.jsonl.gz", truth(1), truth("b", relevant_windows=[[0, 8]]))


def test_table_by_hand(tmp_path: Path, gt: Path) -> None:
    # Order of the files does not matter. Query 1: IoU 3/4; query b: 3/8.
    found = score_moments(write(tmp_path / "p.jsonl", guess("b"), guess(1)), gt)
    assert (found.queries, found.missing, found.unknown) == (2, 0, 0)
    table = found.metrics
    assert table["MR-full-R1@0.3"] == 100.0
    assert table["MR-full-R1@0.5"] == table["MR-full-R1@0.7"] == 50.0
    assert table["MR-full-mAP"] == 30.0  # six thresholds of ten, of one query in two
    assert table["MR-full-mAP@0.75"] == table["MR-full-mAP@0.5"] == 50.0
    assert table["MR-full-mIoU"] == 56.25
    assert (table["MR-short-mAP"], table["MR-middle-mAP"]) == (30.0, None)
    # Clip 1 is the top: VeryGood to the first annotator. Fair: APs 1, 1/2, 0; Good: 1, 1/2, 0.
    assert table["HL-min-VeryGood-Hit1"] == table["HL-min-Fair-Hit1"] == 100.0
    assert table["HL-min-Fair-mAP"] == 50.0
    assert table["HL-min-VeryGood-mAP"] == 33.33


def test_windows_or_saliency_alone(tmp_path: Path, gt: Path) -> None:
    for field, other in (("pred_relevant_windows", "HL"), ("pred_saliency_scores", "MR")):
        rows = [{k: v for k, v in guess(q).items() if k in {"qid", field}} for q in (1, "b")]
        table = score_moments(write(tmp_path / "p.jsonl", *rows), gt).metrics
        assert table
        assert not any(name.startswith(other) for name in table)


def test_a_list_may_be_empty(tmp_path: Path, gt: Path) -> None:
    rows = [guess(1), guess("b", pred_relevant_windows=[])]
    table = score_moments(write(tmp_path / "p.jsonl", *rows), gt).metrics
    assert table["MR-full-R1@0.3"] == 50.0


BAD_LINES = [
    ("not JSON", "{"),
    ("not JSON", '{"qid": 2, "pred_relevant_windows": [[0, NaN, 1]]}'),
    ("not finite", '{"qid": 2, "pred_relevant_windows": [[0, 1e999, 1]]}'),
    ("not an object", "[2]"),
    ("qid 2.5", guess(2.5)),
    ("qid True", guess(True)),
    ("which query", {k: v for k, v in guess(2).items() if k != "qid"}),
    ("vid 3", guess(2, vid=3)),
    ("neither pred_relevant_windows nor", {"qid": 2}),
    ("is not a list", guess(2, pred_relevant_windows={"a": 1})),
    (r"not \[start, end, score\]", guess(2, pred_relevant_windows=[[0, 1]])),
    (r"not \[start, end, score\]", guess(2, pred_relevant_windows=[5])),
    ("not a number", guess(2, pred_relevant_windows=[[0, "1", 1]])),
    ("ends before", guess(2, pred_relevant_windows=[[1, 0, 1]])),
    ("not a number", guess(2, pred_saliency_scores=[None])),
    ("is empty", guess(2, pred_saliency_scores=[])),
    ("again, first on line 1", guess(1)),
    ("no such query", guess(2)),
    ("no pred_saliency_scores", {k: v for k, v in guess("b").items() if "saliency" not in k}),
    ("no pred_relevant_windows", {k: v for k, v in guess("b").items() if "windows" not in k}),
    ("is about 'w', but in", guess("b", vid="w")),
]


@pytest.mark.fault(12)
@pytest.mark.parametrize(("why", "row"), BAD_LINES, ids=[str(i) for i in range(len(BAD_LINES))])
def test_bad_lines_are_named(tmp_path: Path, gt: Path, why: str, row: Any) -> None:
    rows = [guess(1), row] if "'b'" in repr(row) else [guess(1), row, guess("b")]
    with pytest.raises(InputError, match=rf"p\.jsonl, line 2.*{why}"):
        score_moments(write(tmp_path / "p.jsonl", *rows), gt)


def test_a_part_is_refused_unless_allowed(tmp_path: Path, gt: Path) -> None:
    part = write(tmp_path / "p.jsonl", guess(1), guess("z"))
    with pytest.raises(InputError, match=r"lacks 1 of 2 queries of .* first qid 'b' of its line 2"):
        score_moments(part, gt)
    found = score_moments(part, gt, allow_partial=True)
    assert (found.queries, found.missing, found.unknown) == (1, 1, 1)
    assert found.metrics["MR-full-R1@0.7"] == 100.0
    with pytest.raises(InputError, match="lacks 2 of 2"):
        score_moments(write(tmp_path / "q.jsonl", guess(7)), gt, allow_partial=True)


@pytest.mark.fault(12)
def test_ground_truth_is_all_right_or_refused(tmp_path: Path) -> None:
    prediction = write(tmp_path / "p.jsonl", guess(1))
    for row, why in (
        (truth(1), "duplicate qid"),
        (truth(2, relevant_windows=[[6, 2]]), "end not after start"),
        ("{", "not JSON"),
    ):
        many = [truth(i) for i in range(100, 200)]
        with pytest.raises(InputError, match=rf"gt\.jsonl.* line 102: {why}"):
            score_moments(prediction, write(tmp_path / "gt.jsonl", truth(1), *many, row))
    with pytest.raises(InputError, match="holds no rows"):
        score_moments(prediction, write(tmp_path / "gt.jsonl", ""))
    with pytest.raises(InputError, match="holds no predictions"):
        score_moments(write(tmp_path / "e.jsonl", ""), write(tmp_path / "gt.jsonl", truth(1)))


def test_ground_truth_without_grades(tmp_path: Path) -> None:
    bare = {k: v for k, v in truth(1).items() if k not in {"relevant_clip_ids", "saliency_scores"}}
    table = score_moments(
        write(tmp_path / "p.jsonl", guess(1)), write(tmp_path / "gt.jsonl", bare)
    ).metrics
    assert "MR-full-mAP" in table
    assert "HL-min-Fair-mAP" not in table
    with pytest.raises(InputError, match="no saliency_scores"):
        score_moments(
            write(tmp_path / "p.jsonl", guess(1), guess(2)),
            write(tmp_path / "gt.jsonl", bare, truth(2)),
        )
    with pytest.raises(InputError, match="no grades to compare"):
        score_moments(
            write(tmp_path / "p.jsonl", {"qid": 1, "pred_saliency_scores": [1]}),
            write(tmp_path / "gt.jsonl", bare),
        )


def scores(values: int, duration: float) -> tuple[Any, Any]:
    """A ground truth of one video of that length, and saliency of that many values."""
    return (
        truth(1, duration=duration, relevant_clip_ids=[0], saliency_scores=[[4]]),
        {"qid": 1, "pred_saliency_scores": [1.0] + [0.0] * (values - 1)},
    )


@pytest.mark.parametrize(
    ("values", "duration"), [(10, 20), (10, 21), (11, 21), (75, 150), (75, 151.9), (76, 151.9)]
)
def test_a_score_a_clip_is_right(tmp_path: Path, values: int, duration: float) -> None:
    true, guessed = scores(values, duration)
    found = score_moments(write(tmp_path / "p.jsonl", guessed), write(tmp_path / "gt.jsonl", true))
    assert found.warnings == ()
    assert found.metrics["HL-min-Fair-Hit1"] == 100.0


@pytest.mark.parametrize(("values", "duration"), [(9, 20), (11, 20), (9, 21), (12, 21), (2, 2)])
def test_a_clip_more_or_fewer_is_said(tmp_path: Path, values: int, duration: float) -> None:
    true, guessed = scores(values, duration)
    found = score_moments(write(tmp_path / "p.jsonl", guessed), write(tmp_path / "gt.jsonl", true))
    (warning,) = found.warnings
    assert f"with {values} values for {int(duration / 2)} clips" in warning
    assert "line 1 (qid 1)" in warning and "official" in warning


@pytest.mark.fault(12)
@pytest.mark.parametrize(("values", "duration"), [(2, 20), (75, 20), (8, 20), (12, 20), (13, 21)])
def test_other_numbers_of_clips_are_refused(tmp_path: Path, values: int, duration: float) -> None:
    true, guessed = scores(values, duration)
    why = rf"p\.jsonl, line 1 \(qid 1\): {values} pred_saliency_scores for the 10 clips"
    with pytest.raises(InputError, match=why):
        score_moments(write(tmp_path / "p.jsonl", guessed), write(tmp_path / "gt.jsonl", true))


def test_saliency_of_another_length_in_the_case(cases: Path) -> None:
    with pytest.raises(InputError, match=r"line 1 \(qid 10\): 75 pred_saliency_scores"):
        score_moments(cases / "predictions_long_saliency.jsonl", cases / "truth.jsonl")


def test_windows_out_of_order_are_said(tmp_path: Path, gt: Path) -> None:
    ranked = [[0, 1, 0.3], [2, 6, 0.9]]
    found = score_moments(
        write(tmp_path / "p.jsonl", guess(1, pred_relevant_windows=ranked), guess("b")), gt
    )
    assert found.metrics["MR-full-R1@0.5"] == 0.0
    (warning,) = found.warnings
    assert "1 of 2 lists of windows not sorted by score" in warning
    assert "line 1 (qid 1)" in warning and "R1 takes the first window" in warning
    ordered = [guess(1, pred_relevant_windows=[[0, 1, 0.5], [2, 6, 0.5]]), guess("b")]
    assert score_moments(write(tmp_path / "p.jsonl", *ordered), gt).warnings == ()


def test_windows_outside_of_the_video_are_said(tmp_path: Path, gt: Path) -> None:
    for window, warns in (([2, 10, 1], 0), ([2, 10.5, 1], 1), ([-1, 5, 1], 1)):
        rows = [guess(1, pred_relevant_windows=[window]), guess("b")]
        found = score_moments(write(tmp_path / "p.jsonl", *rows), gt).warnings
        assert len(found) == warns and all("outside of the video" in w for w in found)


@pytest.mark.fault(12)
def test_durations_that_disagree_are_refused(tmp_path: Path, gt: Path) -> None:
    rows = [guess(1, duration=8.4), guess("b", duration=150)]
    with pytest.raises(InputError, match=r"line 2 .*a video of 150 s, which lasts 8 s"):
        score_moments(write(tmp_path / "p.jsonl", *rows), gt)
    with pytest.raises(InputError, match="line 1: 'long' is not a number"):
        score_moments(write(tmp_path / "p.jsonl", guess(1, duration="long")), gt)
    with pytest.raises(InputError, match="no duration: 0 s"):
        score_moments(
            write(tmp_path / "p.jsonl", guess(1)), write(tmp_path / "g.jsonl", truth(1, duration=0))
        )


@pytest.mark.fault(12)
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("deep", [False, True])
def test_an_array_is_told_to_be_lines(
    tmp_path: Path, gt: Path, indent: int | None, deep: bool
) -> None:
    rows: list[Any] = [guess(1), guess("b")]
    array = write(tmp_path / "my p.json", json.dumps([rows] if deep else rows, indent=indent))
    program = "flatten | .[]" if deep else ".[]"
    for files in ((array, gt), (write(tmp_path / "p.jsonl", *rows), array)):
        with pytest.raises(InputError, match="holds a JSON array") as refused:
            score_moments(*files)
        assert "one object a line (JSON lines)" in refused.value.remedy
        assert f"jq -c '{program}' '{array}'" in refused.value.remedy


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    "text",
    [
        json.dumps(guess(1), indent=2),
        json.dumps(guess(1), indent=2) + "\n" + json.dumps(guess("b"), indent=2),
    ],
)
def test_objects_over_several_lines_are_told(tmp_path: Path, gt: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"over several lines; write one object a line.*jq -c '.'"):
        score_moments(write(tmp_path / "p.json", text), gt)


@pytest.mark.fault(12)
@pytest.mark.parametrize("text", ["[]", "[ ]", '[{"qid": NaN}]', '[{"qid": 1},]', "[[1, 2"])
def test_any_array_is_told(tmp_path: Path, gt: Path, text: str) -> None:
    with pytest.raises(InputError, match="one object a line"):
        score_moments(write(tmp_path / "p.json", text), gt)


@pytest.mark.fault(12)
def test_files_that_stand_in_each_others_place_are_told(tmp_path: Path, gt: Path) -> None:
    with pytest.raises(InputError, match="name the predictions first"):
        score_moments(gt, gt)
    with pytest.raises(InputError, match="qid '1' is a text in the predictions and a number in"):
        score_moments(write(tmp_path / "p.jsonl", guess("1"), guess("b")), gt)


class TestCharades:
    @pytest.fixture
    def sta(self, tmp_path: Path) -> Path:
        return write(tmp_path / "sta.txt", "AO8RW 0.0 10.0##a person jumps.", "Y6R7T 5 10##sits.")

    def test_list_by_hand(self, tmp_path: Path, sta: Path) -> None:
        ranked = write(
            tmp_path / "p.txt",
            "Y6R7T 0.0 5.0##sits.",
            "AO8RW 0.0 8.0 0.9##a person jumps.",
            "Y6R7T 5.0 9.0##sits.",
        )
        table = score_moments(ranked, sta).metrics
        # First windows: IoU .8 and 0; the second of Y6R7T reaches .8.
        assert table["MR-full-R1@0.7"] == 50.0
        assert table["MR-full-R5@0.7"] == 100.0
        assert table["MR-full-mIoU"] == 40.0
        assert table["MR-full-mAP@0.5"] == 75.0

    def test_jsonl_is_matched_by_video_and_sentence(self, tmp_path: Path, sta: Path) -> None:
        rows = [
            {"vid": "Y6R7T", "query": "sits.", "pred_relevant_windows": [[5, 10, 1]]},
            {"vid": "AO8RW", "query": "a person jumps.", "pred_relevant_windows": [[0, 10, 1]]},
        ]
        found = score_moments(write(tmp_path / "p.jsonl", *rows), sta)
        assert found.metrics["MR-full-mAP"] == 100.0
        with pytest.raises(InputError, match="line 1: does not say which query"):
            score_moments(write(tmp_path / "q.jsonl", {**rows[0], "vid": None}), sta)

    @pytest.mark.parametrize(
        ("why", "line"),
        [
            ("neither a JSON object nor", "Y6R7T 0.0 5.0 sits."),
            ("not a number", "Y6R7T zero 5.0##sits."),
            ("not finite", "Y6R7T nan 5.0##sits."),
            ("not finite", "Y6R7T 0 5 inf##sits."),
            ("not finite", "Y6R7T 1_0 50##sits."),
            ("ends before", "Y6R7T 6.0 5.0##sits."),
            ("no such query", "Y6R7T 5.0 6.0##stands."),
        ],
    )
    def test_bad_lines_are_named(self, tmp_path: Path, sta: Path, why: str, line: str) -> None:
        ranked = write(
            tmp_path / "p.txt", "AO8RW 0 8##a person jumps.", line, "Y6R7T 5.0 9.0##sits."
        )
        with pytest.raises(InputError, match=rf"p\.txt, line 2.*{why}"):
            score_moments(ranked, sta)


def test_own_moments_as_ground_truth(tmp_path: Path) -> None:
    own = write(
        tmp_path / "m.csv", "video,start,end,sentence", "a,0,8,dog", "a,0:20,0:30,dog", "b,1,2,cat"
    )
    ranked = write(tmp_path / "p.txt", "a 20 30##dog", "a 0 8##dog", "b 1 2##cat")
    assert score_moments(ranked, own).metrics["MR-full-mAP"] == 100.0


finite = st.floats(-1e6, 1e6)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            MomentPrediction,
            qid=st.integers() | st.text(),
            video=st.none() | st.text(),
            query=st.none() | st.text(),
            windows=st.lists(
                st.tuples(finite, st.floats(0, 1e6), finite).map(
                    lambda t: (t[0], t[0] + t[1], t[2])
                )
            ).map(tuple),
            saliency=st.none() | st.lists(finite, min_size=1).map(tuple),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[MomentPrediction]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    write_predictions(path, rows)
    found = read_predictions(path)
    assert [(p.qid, p.video, p.query, p.windows, p.saliency) for p in found] == [
        (p.qid, p.video, p.query, p.windows, p.saliency) for p in rows
    ]


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_predictions_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(content)
    try:
        assert read_predictions(path)
    except InputError as refusal:
        assert str(path) in refusal.cause


@pytest.mark.data
def test_the_real_ground_truths_score_themselves(research_data: Path, tmp_path: Path) -> None:
    folder = research_data / "localization"
    gt = folder / "qvhighlights_val.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(gt.read_bytes()).splitlines()]
    perfect = []
    for row in rows:
        saliency = [0.0] * (row["duration"] // 2)
        for clip, grades in zip(row["relevant_clip_ids"], row["saliency_scores"], strict=True):
            saliency[clip] = sum(grades)
        windows = [[*w, 1.0] for w in row["relevant_windows"]]
        perfect.append(
            {"qid": row["qid"], "pred_relevant_windows": windows, "pred_saliency_scores": saliency}
        )
    found = score_moments(write(tmp_path / "p.jsonl", *perfect), gt)
    assert found.queries == 1550
    table = found.metrics
    for name in ("R1@0.3", "R1@0.5", "R1@0.7", "mIoU"):
        assert table[f"MR-full-{name}"] == 100.0
    # Only ten windows count, and a few queries have more true ones.
    most = sum(min(len(r["relevant_windows"]), 10) / len(r["relevant_windows"]) for r in rows)
    assert table["MR-full-mAP"] == pytest.approx(100 * most / 1550, abs=0.0051)
    sta = folder / "charades_sta_test.txt"
    assert score_moments(sta, sta).metrics["MR-full-mIoU"] == 100.0
