"""The backbone as an ONNX graph, for onnxruntime: the same numbers in less than half the time.

The graph is written here, from the folded network: a few kinds of nodes in protobuf's wire format
need neither the ``onnx`` package nor a converted copy on disk that could go stale. It takes a
fraction of a second a start. Everything stays in single precision.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from iptnet.features.backbone import EfficientNetLite0, SameConv

IR_VERSION, OPSET = 8, 17
FLOAT, UINT8, INT64 = 1, 2, 7  # TensorProto.DataType
TYPES = {"float32": FLOAT, "uint8": UINT8, "int64": INT64}
QUIET = 3  # errors only


def session(network: EfficientNetLite0, threads: int) -> Any:
    """An onnxruntime session of :func:`graph`.

    Args:
        network: the folded backbone.
        threads: of onnxruntime.

    Raises:
        ImportError: onnxruntime is not installed, or not for this machine.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(QUIET)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    # Waiting threads would otherwise burn the processor that the decoder needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph(network), options, ["CPUExecutionProvider"])


def graph(network: EfficientNetLite0) -> bytes:
    """The network up to its last map as a serialized ONNX model.

    Shapes:
        ``pixels`` (N, 224, 224, 3) uint8 → ``middle`` (N, 112, 14, 14) and ``top``
        (N, 1280, 7, 7) float32.
    """
    from iptnet.features.backbone import PIXEL_MEAN, Block
    from iptnet.features.lite_recipe import SIZE

    build = _Graph()
    build.constant("zero", np.array(0, np.float32))
    build.constant("six", np.array(6, np.float32))
    x = build.node("Transpose", ["pixels"], perm=[0, 3, 1, 2])
    x = build.node("Cast", [x], to=FLOAT)
    # The rim is the mean pixel, not zero; further in, the convolutions pad for themselves.
    low, high = network.stem.lopsided[:2] if network.stem.lopsided else (0, 0)
    build.constant("rim", np.array([0, 0, low, low, 0, 0, high, high], np.int64))
    build.constant("mean", np.array(PIXEL_MEAN, np.float32))
    x = build.node("Pad", [x, "rim", "mean"])
    x = build.convolution(network.stem, x, clip=True, padded=True)
    middle = ""
    for part in (network.early, network.late):
        for block in part:
            assert isinstance(block, Block)
            y = x if block.expand is None else build.convolution(block.expand, x, clip=True)
            y = build.convolution(block.depthwise, y, clip=True)
            y = build.convolution(block.project, y)
            x = build.node("Add", [x, y]) if block.residual else y
        middle = middle or x
    top = build.convolution(network.top, x, clip=True)
    inputs = [_value("pixels", UINT8, [SIZE, SIZE, 3])]
    outputs = [_value(middle, FLOAT, [112, 14, 14]), _value(top, FLOAT, [1280, 7, 7])]
    return build.model(inputs, outputs)


class _Graph:
    """Nodes and weights, in order."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.weights: list[bytes] = []

    def constant(self, name: str, array: NDArray[Any]) -> str:
        kind = _number(2, TYPES[array.dtype.name])
        dims = b"".join(_number(1, size) for size in array.shape)
        self.weights.append(dims + kind + _text(8, name) + _bytes(9, array.tobytes()))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: int | list[int]) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        parts = [_text(1, i) for i in inputs] + [_text(2, name), _text(4, kind)]
        parts += [_bytes(5, _attribute(key, value)) for key, value in attributes.items()]
        self.nodes.append(b"".join(parts))
        return name

    def convolution(
        self, conv: SameConv, x: str, *, clip: bool = False, padded: bool = False
    ) -> str:
        number = len(self.nodes)
        assert conv.bias is not None
        weight = self.constant(f"w{number}", conv.weight.detach().numpy())
        bias = self.constant(f"b{number}", conv.bias.detach().numpy())
        both = int(conv.padding[0]) if isinstance(conv.padding, tuple) else 0
        low, high = conv.lopsided[:2] if conv.lopsided and not padded else (both, both)
        y = self.node(
            "Conv",
            [x, weight, bias],
            kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride),
            pads=[low, low, high, high],
            group=conv.groups,
        )
        return self.node("Clip", [y, "zero", "six"]) if clip else y

    def model(self, inputs: list[bytes], outputs: list[bytes]) -> bytes:
        body = b"".join(
            [
                *(_bytes(1, node) for node in self.nodes),
                _text(2, "backbone"),
                *(_bytes(5, weight) for weight in self.weights),
                *(_bytes(11, value) for value in inputs),
                *(_bytes(12, value) for value in outputs),
            ]
        )
        opset = _text(1, "") + _number(2, OPSET)
        return _number(1, IR_VERSION) + _bytes(7, body) + _bytes(8, opset)


def _value(name: str, kind: int, shape: Iterable[int]) -> bytes:
    """ValueInfoProto of a tensor with any number of rows."""
    dims = [_text(2, "n"), *(_number(1, size) for size in shape)]
    tensor = _number(1, kind) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    return _text(1, name) + b"".join(_number(8, v) for v in value) + _number(20, 7)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + struct.pack("B", value)
