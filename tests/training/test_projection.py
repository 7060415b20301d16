"""The projection's training: partition, pairs, activations, and a whole small run."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iptnet.errors import InputError, UsageError
from iptnet.features.projection import load_projection
from iptnet.training import pictures as pictures_module
from iptnet.training.activations import STORED, augment, compute
from iptnet.training.classes import class_vectors
from iptnet.training.everyday import EVERYDAY, indices
from iptnet.training.pairs import (
    picture_names,
    read_captions,
    read_class_names,
    read_clip,
    read_pictures,
)
from iptnet.training.partition import CLIPS_HELD_OUT, by_position, held_out, position
from iptnet.training.projection import (
    ProjectionConfig,
    fit,
    load_config,
    measure,
    start_from_ridge,
    train_projection,
)

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "projection.yaml"
COLOURS = {"red": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_only_adds_names(name: str, a: float, b: float) -> None:
    assert 0 <= position(name) < 1
    assert held_out(name, min(a, b)) <= held_out(name, max(a, b))
    assert not held_out(name, 0) and held_out(name, 1)


def test_the_partition_never_moves() -> None:
    # Written down: were the hash changed, models would be tested on what they were trained on.
    assert position("video7060") == pytest.approx(0.0376231619058367, abs=1e-12)
    names = [f"name{i}" for i in range(2000)]
    share = sum(held_out(n, CLIPS_HELD_OUT) for n in names) / len(names)
    assert share == pytest.approx(CLIPS_HELD_OUT, abs=0.03)
    assert by_position(reversed(names)) == by_position(names)
    assert [position(n) for n in by_position(names)] == sorted(map(position, names))
    with pytest.raises(ValueError, match="share"):
        held_out("a", 1.5)


@pytest.mark.data
def test_sixty_clips_are_held_out(research_data: Path) -> None:
    names = read_captions(research_data / "clips" / "captions.json.gz")
    assert sum(held_out(n, CLIPS_HELD_OUT) for n in names) == 60


def test_everyday_words_cover_classes_that_exist() -> None:
    for word, ranges in EVERYDAY.items():
        found = indices(ranges)
        assert found and min(found) >= 0 and max(found) < 1000, word
        assert len(set(found)) == len(found), word
    assert indices("7-9 24") == [7, 8, 9, 24]
    assert len(EVERYDAY) >= 100


@pytest.mark.data
@pytest.mark.parametrize(
    ("word", "name"),
    [("cat", "Egyptian cat"), ("lion", "lion"), ("laptop", "laptop"), ("pizza", "")],
)
def test_everyday_words_meet_the_order_of_the_classes(
    research_data: Path, word: str, name: str
) -> None:
    names = read_class_names(research_data / "labels" / "imagenet1k_synset_words.txt")
    covered = [names[i] for i in indices(EVERYDAY.get(word, ""))]
    assert any(name in synonyms for synonyms in covered) == bool(name)


def test_class_vectors_blend_names_and_everyday_words() -> None:
    from iptnet.features.text import TextEncoder

    names = [[f"thing {i}"] for i in range(1000)]
    cat = indices(EVERYDAY["cat"])[0]
    asked = torch.from_numpy(TextEncoder().encode(["a photo of a cat"]))[0]
    plain, blended = class_vectors(names, 0.0), class_vectors(names, 0.7)
    assert blended[cat] @ asked > plain[cat] @ asked + 0.1
    torch.testing.assert_close(blended.norm(dim=1), torch.ones(1000))


def write_data(root: Path, count: int = 24) -> ProjectionConfig:
    """Plain pictures in three colours, each captioned with its colour."""
    from PIL import Image

    captions, words = {}, list(COLOURS)
    with tarfile.open(root / "p.tar", "w") as archive:
        for i in range(count):
            word = words[i % 3]
            rng = np.random.default_rng(i)
            pixels = np.clip(np.array(COLOURS[word]) + rng.normal(0, 20, (40, 30, 3)), 0, 255)
            stored = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(stored, "PNG")
            info = tarfile.TarInfo(f"pictures/p{i:02d}.png")
            info.size = len(stored.getvalue())
            archive.addfile(info, io.BytesIO(stored.getvalue()))
            captions[f"p{i:02d}"] = [f"{word} {thing}" for thing in ("wall", "sky", "one", "a", "")]
    (root / "p.json.gz").write_bytes(gzip.compress(json.dumps(captions).encode()))
    (root / "c.txt").write_text("\n".join(f"n{i:08d} thing {i}, item" for i in range(1000)))
    return ProjectionConfig(
        data=str(root),
        pictures="p.tar",
        picture_captions="p.json.gz",
        class_names="c.txt",
        test=3,
        validation=6,
        views=2,
        hidden=4,
        evidence=0.1,
        epochs=4,
        batch=5,
        ridge=1000.0,
    )


def write_clip(path: Path, frames: int) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=3)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(frames):
            picture = np.full((48, 64, 3), 40 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


def test_pairs_come_sorted_squashed_and_in_rgb(tmp_path: Path) -> None:
    write_data(tmp_path, 4)
    assert picture_names(tmp_path / "p.tar") == ["p00", "p01", "p02", "p03"]
    found = dict(read_pictures(tmp_path / "p.tar", (10, 20), {"p02", "p00"}))
    assert list(found) == ["p00", "p02"]
    assert found["p00"].shape == (10, 20, 3) and found["p00"].dtype == np.uint8
    assert found["p00"].mean(axis=(0, 1)).argmax() == 0
    assert found["p02"].mean(axis=(0, 1)).argmax() == 2


def test_a_clip_gives_as_many_frames_as_asked(tmp_path: Path) -> None:
    write_clip(tmp_path / "c.mp4", 5)
    found = read_clip(tmp_path / "c.mp4", (24, 32), 3)
    assert found.shape == (3, 24, 32, 3)
    levels = found.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(levels, [0, 80, 160], atol=12)
    assert len(read_clip(tmp_path / "c.mp4", (24, 32), 9)) == 9
    (tmp_path / "no.mp4").write_text("no video")
    for name in ("no.mp4", "absent.mp4"):
        with pytest.raises(InputError, match="cannot decode"):
            read_clip(tmp_path / name, (24, 32), 3)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"a": 3}', b'{"a": ["b", 4]}', b"\xff"])
def test_captions_of_another_shape_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(InputError):
        read_captions(tmp_path / "c.json")


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    for call in (read_captions, read_class_names, picture_names):
        with pytest.raises(InputError, match="absent"):
            call(tmp_path / "absent")
    (tmp_path / "few.txt").write_text("n00000001 one")
    with pytest.raises(InputError, match="names 1 classes"):
        read_class_names(tmp_path / "few.txt")


def test_augmentation_keeps_shape_and_follows_its_seed() -> None:
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    first, again, other = (augment(image, np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.shape == image.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first != image).any()


class Fake(torch.nn.Module):
    """A backbone whose activations are the frame's mean colour."""

    def middle_map(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.mean(dim=(2, 3), keepdim=True).repeat(1, 38, 14, 14)[:, :112]

    def top_map(self, middle: torch.Tensor) -> torch.Tensor:
        return middle[:, :, :7, :7].repeat(1, 12, 1, 1)[:, :1280] / 255

    def classifier(self, pooled: torch.Tensor) -> torch.Tensor:
        return pooled[:, :1000]


def test_activations_are_kept_and_a_broken_run_leaves_nothing(tmp_path: Path) -> None:
    frames = [np.full((224, 224, 3), 10 * i, np.uint8) for i in range(6)]
    path, seen = tmp_path / "a" / "x.npy", []

    def broken():  # type: ignore[no-untyped-def]
        yield from frames[:5]
        raise RuntimeError("the disk went away")

    with pytest.raises(RuntimeError):
        compute(path, broken(), 6, Fake(), seen.append)  # type: ignore[arg-type]
    assert not path.exists() and seen == [4]
    found = compute(path, iter(frames), 6, Fake(), seen.append)  # type: ignore[arg-type]
    assert found.shape == (6, STORED) and seen == [4, 4, 6]
    again = compute(path, broken(), 6, Fake(), seen.append)  # type: ignore[arg-type]
    torch.testing.assert_close(again, found)


@pytest.fixture
def fake_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "load_backbone", Fake)


@pytest.mark.usefixtures("fake_backbone")
def test_a_whole_run_learns_the_colours_and_repeats_itself(tmp_path: Path) -> None:
    config = write_data(tmp_path)
    stages: list[tuple[str, int, int | None]] = []
    path = train_projection(config, tmp_path / "run", lambda *a: stages.append(a))
    stored = load_projection(path)[1]
    assert {s for s, _, _ in stages} == {"view 0", "view 1", "view 2", "contrast"}
    assert stored.provenance["trained on"] == {"pictures": 15, "clips": 0}
    assert "data" not in stored.provenance["config"]
    measured = json.loads((tmp_path / "run" / "validation.json").read_text())
    # Two of six validation pictures share a colour, so at best every second query is first.
    assert measured["r5"] > 80 and measured["gallery"] == 6
    stages.clear()
    again = load_projection(train_projection(config, tmp_path / "run", lambda *a: stages.append(a)))
    assert {s for s, _, _ in stages} == {"contrast"}
    assert again[1].digest == stored.digest
    other = dataclasses.replace(config, seed=1)
    path = train_projection(other, tmp_path / "run", lambda *a: None)
    assert load_projection(path)[1].digest != stored.digest


@pytest.mark.usefixtures("fake_backbone")
def test_clips_join_training_except_the_held_out(tmp_path: Path) -> None:
    config = write_data(tmp_path, 15)
    (tmp_path / "clips").mkdir()
    names = [f"clip{i}" for i in range(20, 28)]
    for name in names:
        write_clip(tmp_path / "clips" / f"{name}.mp4", 3)
    captions = {n: {"category": 1, "captions": ["a grey card", "grey", "grey"]} for n in names}
    captions["without_file"] = {"category": 1, "captions": ["nothing"]}
    (tmp_path / "clips.json").write_text(json.dumps(captions))
    config = dataclasses.replace(
        config, clips="clips", clip_captions="clips.json", frames=2, epochs=1, test=2, validation=2
    )
    path = train_projection(config, tmp_path / "run", lambda *a: None)
    shown = sum(not held_out(n, CLIPS_HELD_OUT) for n in names)
    assert 0 < shown < len(names)
    assert load_projection(path)[1].provenance["trained on"]["clips"] == shown


@pytest.mark.usefixtures("fake_backbone")
def test_ridge_is_the_solution_of_its_equations(tmp_path: Path) -> None:
    from iptnet.features.projection import Projection, ProjectionShape
    from iptnet.training.activations import split

    config = dataclasses.replace(write_data(tmp_path), views=1)
    data = pictures_module.load_pictures(
        tmp_path / "p.tar",
        tmp_path / "p.json.gz",
        tmp_path,
        sizes=(3, 6),
        views=1,
        on_progress=lambda *a: None,
    )
    head = Projection(ProjectionShape(hidden=1, evidence=0.0)).eval()
    start_from_ridge(head, data, config.ridge)
    pooled = torch.cat([split(v)[0] for v in (data.plain[9:], *data.views)])
    x = ((pooled - head.mean) * head.scale).double()
    said = data.sentences[9:].mean(dim=1).repeat(2, 1).double()
    weight = head.linear.weight.double().T
    # Gradient of ½|XW + b − Y|² + ½·2·penalty·|W|² at the solution.
    gradient = x.T @ (x @ weight + head.linear.bias.double() - said) + 2 * config.ridge * weight
    assert gradient.abs().max() < 1e-2 * (x.T @ said).abs().max()
    before = measure(head, data, data.validation)
    fitted = fit(head, data, None, config, lambda *a: None)
    assert not fitted.training
    assert measure(fitted, data, data.validation).r10 >= before.r10


def test_the_shipped_configuration_reads_and_matches_the_shipped_weights() -> None:
    config = load_config(CONFIG, (Path("elsewhere"),))
    assert config.data == "elsewhere"
    provenance = load_projection()[1].provenance
    stated = {k: v for k, v in dataclasses.asdict(config).items() if k != "data"}
    assert provenance["config"] == stated


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: projection\nwidth: 3", "unknown key 'width'"),
        ("epochs: many", "epochs is 'many'"),
        ("epochs: true", "epochs is True"),
        ("batch: 2.5", "batch is 2.5"),
        ("data: x", "missing"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError, match=message):
        load_config(tmp_path / "c.yaml")


def test_unreadable_configurations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load_config(tmp_path / "absent.yaml")
    (tmp_path / "c.yaml").write_text("[a: b: c")
    with pytest.raises(InputError):
        load_config(tmp_path / "c.yaml")
    with pytest.raises(UsageError, match="one data folder"):
        load_config(CONFIG, (Path("a"), Path("b")))
