"""The projection's training: partition, pairs, maps, contrast, tuning, and whole small runs."""

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

from iptnet.errors import InputError, IntegrityError, UsageError
from iptnet.features import lite as lite_module
from iptnet.features.backbone import load_backbone, with_late_stages
from iptnet.features.projection import load_projection, network_of
from iptnet.training import captioned as captioned_module
from iptnet.training.activations import MAP, compute, damage
from iptnet.training.captioned import load_pictures, load_stills, may_be_mirrored
from iptnet.training.classes import class_vectors
from iptnet.training.clip_folds import fold_of
from iptnet.training.contrast import Batch, batches, members
from iptnet.training.everyday import EVERYDAY, indices
from iptnet.training.heads import fit, measure, new_head, start_from_ridge
from iptnet.training.pairs import (
    picture_names,
    read_captions,
    read_class_names,
    read_clip,
    read_pictures,
)
from iptnet.training.partition import CLIPS_HELD_OUT, by_position, held_out, position
from iptnet.training.pooled import pooled_views
from iptnet.training.projection import (
    ProjectionConfig,
    load_config,
    load_sources,
    train_projection,
)
from iptnet.training.tuning import forgetting

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
        views=1,
        hidden=4,
        evidence=0.1,
        tuning_epochs=2,
        tuning_batch=5,
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


def test_damage_keeps_shape_and_follows_its_seed() -> None:
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    first, again, other = (damage(image, np.random.default_rng(s), mirror=True) for s in (1, 1, 2))
    assert first.shape == image.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first != image).any()


def test_no_picture_is_mirrored_whose_sentences_name_a_side() -> None:
    assert not may_be_mirrored(["a dog", "a man on the Left side"])
    assert may_be_mirrored(["a dog", "the leftovers are bright"])
    image = np.zeros((224, 224, 3), np.uint8)
    image[:, :112] = 255
    for seed in range(24):
        shown = damage(image, np.random.default_rng(seed), mirror=False).mean(axis=(0, 2))
        assert shown[:60].mean() >= shown[-60:].mean()


def test_maps_are_kept_and_a_broken_run_leaves_nothing(tmp_path: Path) -> None:
    backbone = load_backbone()
    frames = [np.full((224, 224, 3), 10 * i, np.uint8) for i in range(6)]
    path, seen = tmp_path / "a" / "x.npy", []

    def broken():  # type: ignore[no-untyped-def]
        yield from frames[:5]
        raise RuntimeError("the disk went away")

    with pytest.raises(RuntimeError):
        compute(path, broken(), 6, backbone, seen.append)
    assert not path.exists() and seen == [4]
    assert list(path.parent.iterdir()) == []
    found = compute(path, iter(frames), 6, backbone, seen.append)
    assert found.shape == (6, *MAP) and seen == [4, 4, 6]
    again = compute(path, broken(), 6, backbone, seen.append)
    np.testing.assert_array_equal(again, found)


def sources_of(config: ProjectionConfig, root: Path) -> list[captioned_module.Captioned]:
    return load_sources(config, root / "maps", lambda *a: None)


def test_stills_of_one_item_share_its_sentences(tmp_path: Path) -> None:
    write_data(tmp_path, 4)
    said = {"p": ["a wall"], "q": ["nobody"]}
    (tmp_path / "s.json").write_text(json.dumps({**said, "p00": ["alone"]}))
    with tarfile.open(tmp_path / "p.tar") as old, tarfile.open(tmp_path / "s.tar", "w") as new:
        for name, member in zip(("p_0", "p_1", "other_3", "p00"), old.getmembers(), strict=True):
            stored = old.extractfile(member)
            member.name = f"stills/{name}.png"
            new.addfile(member, stored)
    found = load_stills(
        tmp_path / "s.tar", tmp_path / "s.json", tmp_path, views=0, on_progress=lambda *a: None
    )
    # A name without a number is an item of its own; an item without sentences is left out.
    assert found.items == ("p", "p00") and found.rows == ((1, 2), (0,))
    assert len(found.views) == 1 and found.views[0].shape == (3, *MAP)


def test_pictures_are_parted_by_hash(tmp_path: Path) -> None:
    config = write_data(tmp_path, 8)
    found = load_pictures(
        tmp_path / "p.tar",
        tmp_path / config.picture_captions,
        tmp_path,
        sizes=(2, 3),
        views=0,
        on_progress=lambda *a: None,
    )
    assert list(found.items) == by_position(found.items)
    assert found.parts == ("test",) * 2 + ("validation",) * 3 + ("train",) * 3
    # A red picture's map stands in the row that its item names.
    for item, (row,) in zip(found.items, found.rows, strict=True):
        assert sorted(found.items)[row] == item


def test_batches_show_each_draw_once_and_pair_frames_with_their_sentences(tmp_path: Path) -> None:
    sources = sources_of(write_data(tmp_path), tmp_path)
    # What stands in for maps: the number of the row, and which view it is of.
    inputs = [
        [
            np.stack([np.arange(len(v)), np.full(len(v), k)], 1).astype(np.float16)
            for k, v in enumerate(s.views)
        ]
        for s in sources
    ]
    pairs = members(sources, [2], 1.0)
    assert len(pairs) == 2 * len(sources[0].of("train"))
    found = list(batches(sources, inputs, pairs, 5, (0, 1)))
    rows = np.concatenate([b.inputs[:, 0].numpy() for b in found])
    assert len(found) == len(pairs) // 5 and set(rows) <= {
        float(sources[0].rows[i][0]) for i in sources[0].of("train")
    }
    for batch in found:
        at = 0
        for source, view, own in batch.places:
            part = batch.inputs[at : at + len(own)].numpy()
            np.testing.assert_array_equal(part, np.stack([own, np.full(len(own), view)], 1))
            for row, said in zip(own, batch.sentences[at : at + len(own)], strict=True):
                item = next(i for i, r in enumerate(sources[source].rows) if row in r)
                known = {tuple(v.tolist()) for v in sources[source].sentences[item]}
                assert {tuple(v.tolist()) for v in said} <= known
            at += len(own)
        assert at == len(batch.inputs)
    again = list(batches(sources, inputs, pairs, 5, (0, 1)))
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(found, again, strict=True))
    other = list(batches(sources, inputs, pairs, 5, (0, 2)))
    assert any(not torch.equal(a.inputs, b.inputs) for a, b in zip(found, other, strict=True))


def test_a_share_of_the_items_grows_with_the_share(tmp_path: Path) -> None:
    sources = sources_of(write_data(tmp_path), tmp_path)
    few, more, all_ = ({tuple(p) for p in members(sources, [1], s)} for s in (0.3, 0.7, 1.0))
    assert few < more < all_


def test_forgetting_is_nothing_for_the_published_network(tmp_path: Path) -> None:
    sources = sources_of(write_data(tmp_path, 15), tmp_path)
    network = load_backbone()
    before = [pooled_views(network, s, tmp_path / "pooled", lambda *a: None) for s in sources]
    rows = np.array([1, 4])
    batch = Batch(torch.zeros(2, 1), torch.zeros(2, 5, 256), ((0, 1, rows),))
    own = network.classifier(torch.from_numpy(before[0][1][rows, :1280]).float())
    assert float(forgetting(network, before, batch, own)) == pytest.approx(0, abs=1e-6)
    # By hand: KL(p || q) of one row with two classes that matter.
    p, q = own[0].double().softmax(0), own[1].double().softmax(0)
    swapped = float(forgetting(network, before, batch, own.flip(0)))
    expected = float((p * (p / q).log()).sum() + (q * (q / p).log()).sum()) / 2
    assert swapped == pytest.approx(expected, rel=1e-3)


def test_a_whole_run_tunes_learns_the_colours_and_repeats_itself(tmp_path: Path) -> None:
    config = write_data(tmp_path)
    stages: list[tuple[str, int, int | None]] = []
    path = train_projection(config, tmp_path / "run", lambda *a: stages.append(a))
    stored = load_projection(path)[1]
    names = {s for s, _, _ in stages}
    assert {"pictures, view 0", "pictures, view 1", "tuning", "head"} <= names
    assert stored.provenance["trained on"] == {"pictures": 15}
    assert "data" not in stored.provenance["config"]
    measured = json.loads((tmp_path / "run" / "validation.json").read_text())["pictures"]
    # Two of six validation pictures share a colour, so at best every second query is first.
    assert measured["r5"] > 80 and measured["gallery"] == 6
    # The late stages are the tuned ones, the early ones and the classifier as published.
    tuned, published = network_of(stored), load_backbone()
    assert (tuned.top.weight != published.top.weight).any()
    torch.testing.assert_close(tuned.stem.weight, published.stem.weight)
    torch.testing.assert_close(tuned.classifier.weight, published.classifier.weight)
    stages.clear()
    again = load_projection(train_projection(config, tmp_path / "run", lambda *a: stages.append(a)))
    assert {s for s, _, _ in stages} == {"head"}
    assert again[1].digest == stored.digest
    other = dataclasses.replace(config, rate=2e-3)
    path = train_projection(other, tmp_path / "run", lambda *a: None)
    assert load_projection(path)[1].digest != stored.digest


def test_tuning_that_was_interrupted_ends_with_the_same_weights(tmp_path: Path) -> None:
    config = write_data(tmp_path, 18)
    whole = load_projection(train_projection(config, tmp_path / "whole", lambda *a: None))[1]

    def interrupt(stage: str, done: int, total: int | None) -> None:
        assert total is not None
        if stage == "tuning" and done == total // 2 + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_projection(config, tmp_path / "cut", interrupt)
    cut = load_projection(train_projection(config, tmp_path / "cut", lambda *a: None))[1]
    assert cut.digest == whole.digest


def test_without_tuning_the_network_stays_as_published(tmp_path: Path) -> None:
    config = dataclasses.replace(write_data(tmp_path, 15), tuning_epochs=0)
    stored = load_projection(train_projection(config, tmp_path / "run", lambda *a: None))[1]
    assert not any(name.startswith("backbone.") for name in stored.tensors)
    torch.testing.assert_close(network_of(stored).top.weight, load_backbone().top.weight)


def test_late_stages_of_another_network_are_refused() -> None:
    network = load_backbone()
    own = {n: t for n, t in network.state_dict().items() if n.startswith(("late.", "top."))}
    with pytest.raises(IntegrityError, match="another network"):
        with_late_stages(network, {**own, "top.weight": own["top.weight"][:4]})
    with pytest.raises(IntegrityError, match="another network"):
        with_late_stages(network, {n: t for n, t in own.items() if n != "top.bias"})


def test_clips_join_the_heads_and_each_is_encoded_by_one_that_never_saw_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_data(tmp_path, 15)
    (tmp_path / "clips").mkdir()
    names = [f"clip{i}" for i in range(20, 28)]
    for name in names:
        write_clip(tmp_path / "clips" / f"{name}.mp4", 3)
    captions = {n: {"category": 1, "captions": ["a grey card", "grey", "grey"]} for n in names}
    captions["without_file"] = {"category": 1, "captions": ["nothing"]}
    (tmp_path / "clips.json").write_text(json.dumps(captions))
    config = dataclasses.replace(
        config,
        clips="clips",
        clip_captions="clips.json",
        frames=2,
        epochs=1,
        tuning_epochs=0,
        test=2,
        validation=2,
        folds=2,
    )
    made: list[tuple[str, str]] = []
    real = lite_module.LiteEncoder

    class Told(real):  # type: ignore[valid-type, misc]
        def __init__(self, projection: Path) -> None:
            super().__init__(projection)
            made.append((projection.name, self.recipe.projection))

    monkeypatch.setattr("iptnet.training.clip_folds.LiteEncoder", Told)
    path = train_projection(config, tmp_path / "run", lambda *a: None)
    shown = {n for n in names if not held_out(n, CLIPS_HELD_OUT)}
    assert 0 < len(shown) < len(names)
    stored = load_projection(path)[1]
    assert stored.provenance["trained on"]["clips"] == len(shown)
    with np.load(tmp_path / "run" / "clips.npz") as kept:
        assert {k.split("/")[0] for k in kept.files} == shown
        for name in shown:
            assert kept[f"{name}/vectors"].shape == (len(kept[f"{name}/times"]), 256)
    assert [n for n, _ in made] == ["fold-0.safetensors", "fold-1.safetensors"]
    assert len({d for _, d in made} | {stored.digest}) == 3
    # A head without a fold never draws a clip of it.
    sources = sources_of(config, tmp_path / "run")
    clips = sources[-1]
    assert {fold_of(n, 2) for n in shown} == {0, 1}
    drawn: list[int] = []
    inputs = [pooled_views(load_backbone(), s, tmp_path / "p", lambda *a: None) for s in sources]
    original = batches

    def watched(*args, **kwargs):  # type: ignore[no-untyped-def]
        for batch in original(*args, **kwargs):
            drawn.extend(r // 2 for s, _, rows in batch.places if s == 1 for r in rows)
            yield batch

    monkeypatch.setattr("iptnet.training.heads.batches", watched)
    head = new_head(config, torch.zeros(1000, 256))
    fit(head, load_backbone(), sources, inputs, config, on_progress=lambda *a: None, without=0)
    assert drawn and {fold_of(clips.items[i], 2) for i in drawn} == {1}


def test_ridge_is_the_solution_of_its_equations(tmp_path: Path) -> None:
    config = dataclasses.replace(write_data(tmp_path), evidence=0.0, hidden=1)
    sources = sources_of(config, tmp_path)
    network = load_backbone()
    pooled = [pooled_views(network, s, tmp_path / "pooled", lambda *a: None) for s in sources]
    head = new_head(config, torch.zeros(1000, 256)).eval()
    start_from_ridge(head, sources, pooled, config.ridge)
    train = sources[0].of("train")
    rows = [sources[0].rows[i][0] for i in train]
    x = torch.cat([torch.from_numpy(v[rows]).float() for v in pooled[0]])
    x = ((x - head.mean) * head.scale).double()
    said = torch.stack([sources[0].sentences[i].mean(dim=0) for i in train]).repeat(2, 1).double()
    weight = head.linear.weight.double().T
    # Gradient of ½|XW + b − Y|² + ½·2·penalty·|W|² at the solution: two views, so twice.
    gradient = x.T @ (x @ weight + head.linear.bias.double() - said) + 2 * config.ridge * weight
    assert gradient.abs().max() < 1e-2 * (x.T @ said).abs().max()
    before = measure(head, network, sources[0], pooled[0][0], "validation")
    fitted = fit(head, network, sources, pooled, config, on_progress=lambda *a: None)
    after = measure(fitted, network, sources[0], pooled[0][0], "validation")
    assert not fitted.training
    assert before is not None and after is not None and after.r10 >= before.r10


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
