"""The network behind the features in torch, onnxruntime and, where it is installed, OpenVINO.

    python -m benchmarks.backbone [--pictures 48] [--rounds 3]

EfficientNet-Lite0 up to its last map, one thread, single precision, on pictures of noise in coarse
and fine grain. onnxruntime and OpenVINO (``pip install openvino``) take the graph that
``iptnet.features.onnx`` writes. Rows take turns; the least of the rounds, and the least cosine of a
picture's pooled map to torch's.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import describe
from iptnet.features.backbone import load_backbone
from iptnet.features.lite_recipe import SIZE
from iptnet.features.onnx import graph, session

Images = NDArray[np.uint8]
Run = Callable[[Images], NDArray[Any]]


def pictures(count: int) -> Images:
    """Noise at two scales, (count, 224, 224, 3)."""
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 200, (count, 7, 7, 3)).repeat(32, axis=1).repeat(32, axis=2)
    fine = draw.integers(0, 56, (count, SIZE, SIZE, 3))
    return (coarse + fine).astype(np.uint8)


def openvino(model: bytes) -> Run | None:
    """The same graph in OpenVINO, any number of pictures at a time; None where it is missing."""
    if importlib.util.find_spec("openvino") is None:
        return None
    import openvino as ov

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "backbone.onnx"
        path.write_bytes(model)
        one = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        compiled = ov.Core().compile_model(ov.Core().read_model(path), "CPU", one)
    return lambda images: np.array(compiled(images)[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    network, images = load_backbone(), pictures(asked.pictures)
    ours = session(network, 1)

    def in_torch(few: Images) -> NDArray[Any]:
        with torch.inference_mode():
            pixels = torch.from_numpy(few).permute(0, 3, 1, 2).float()
            return np.asarray(network.top_map(network.middle_map(pixels)).numpy())

    def in_onnxruntime(few: Images) -> NDArray[Any]:
        return np.asarray(ours.run(None, {"pixels": few})[1])

    rows: dict[str, tuple[Run, int]] = {"torch, 4 at a time": (in_torch, 4)}
    for few in (1, 4, 8):
        rows[f"onnxruntime, {few} at a time"] = (in_onnxruntime, few)
    other = openvino(graph(network))
    if other is not None:
        rows |= {f"OpenVINO, {few} at a time": (other, few) for few in (1, 4, 8)}
    print(describe())
    least = dict.fromkeys(rows, float("inf"))
    pooled: dict[str, NDArray[np.float64]] = {}
    for _ in range(asked.rounds):
        for row, (run, few) in rows.items():
            spent, found = 0.0, []
            for at in range(0, len(images), few):
                began = time.process_time()
                maps = run(images[at : at + few])
                spent += time.process_time() - began
                found.append(maps.mean(axis=(2, 3), dtype=np.float64))
            least[row] = min(least[row], 1e3 * spent / len(images))
            pooled[row] = np.concatenate(found)
    base = pooled["torch, 4 at a time"]
    for row, milliseconds in least.items():
        dots = (pooled[row] * base).sum(axis=1)
        lengths = np.linalg.norm(pooled[row], axis=1) * np.linalg.norm(base, axis=1)
        cosine = float((dots / lengths).min())
        print(f"{row:28s} {milliseconds:6.1f} ms a picture   cosine at least {cosine:.9f}")
    if other is None:
        print("OpenVINO is missing: pip install openvino")


if __name__ == "__main__":
    main()
