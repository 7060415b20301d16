"""``iptnet doctor``: what this machine has, and what to do about what it lacks."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from iptnet.cli.console import printable, say
from iptnet.errors import is_shortage


@dataclass(frozen=True)
class Finding:
    """One line of the report: ``ok`` None means neither good nor bad."""

    name: str
    ok: bool | None
    text: str


@dataclass(frozen=True)
class Doctor:
    """Report codecs, ffmpeg, CPU, GPU, weights and disk; exits with 6 if something needed fails."""

    json: bool = False
    """Print JSON."""

    def run(self) -> int:
        """Print the findings."""
        findings = [_safely(check) for check in _CHECKS]
        if self.json:
            say(json.dumps([asdict(f) for f in findings], indent=1))
        else:
            width = max(len(f.name) for f in findings)
            marks = {True: "ok ", False: "BAD", None: "-  "}
            for f in findings:
                say(f"{marks[f.ok]} {f.name:<{width}}  {printable(f.text)}")
        return 6 if any(f.ok is False for f in findings) else 0


def _safely(check: Callable[[], Finding]) -> Finding:
    """A broken part of the machine is a finding, not a crash of the doctor."""
    try:
        return check()
    except Exception as error:
        if is_shortage(error):  # nothing can be said of what found no room
            raise
        return Finding(
            check.__name__.strip("_").replace("_", " "), False, str(error) or repr(error)
        )


def _python() -> Finding:
    return Finding("python", True, f"{platform.python_version()} on {platform.platform()}")


def _cpu() -> Finding:
    flags = _cpu_flags()
    fast = [f for f in ("avx2", "avx512f", "avx512_vnni", "amx_int8", "asimd") if f in flags]
    return Finding(
        "cpu", None, f"{os.cpu_count()} cores; {' '.join(fast) or 'no vector flags seen'}"
    )


def _cpu_flags() -> set[str]:
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return set()
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
    return {
        flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()
    }


def _torch() -> Finding:
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU (none is needed)"
    return Finding("torch", True, f"{torch.__version__}, {torch.get_num_threads()} threads, {gpu}")


def _ffmpeg() -> Finding:
    import imageio_ffmpeg

    executable = imageio_ffmpeg.get_ffmpeg_exe()
    done = subprocess.run(
        [executable, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=20,
        check=False,
    )  # fmt: skip
    missing = [name for name in ("libx264", "aac") if f" {name} " not in done.stdout]
    version = imageio_ffmpeg.get_ffmpeg_version()
    if missing:
        return Finding(
            "ffmpeg", False, f"{version} lacks {', '.join(missing)}; reinstall imageio-ffmpeg"
        )
    return Finding("ffmpeg", True, f"{version}, libx264 and aac, at {executable}")


def _decoders() -> Finding:
    import av

    wanted = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mjpeg", "gif", "prores")
    have = [name for name in wanted if _has_decoder(name)]
    lacking = [name for name in wanted if name not in have]
    text = f"PyAV {av.__version__}: {' '.join(have)}"
    return Finding(
        "decoders", "h264" in have, text + (f"; not {' '.join(lacking)}" * bool(lacking))
    )


def _has_decoder(name: str) -> bool:
    import av

    try:
        av.codec.Codec(name, "r")
    except ValueError:
        return False
    return True


def _weights() -> Finding:
    from iptnet.api import load

    model = load(cache=False)
    recipe = model.encoder.recipe
    modules = (model.summarizer.checkpoint, model.localizer.checkpoint)
    verified = ", ".join(f"{c.kind} {c.digest[:12]}" for c in modules)
    return Finding("weights", True, f"{recipe.name} {recipe.fingerprint}, {verified}: verified")


def _cache() -> Finding:
    from iptnet.features.cache import FeatureCache

    folder = FeatureCache().folder
    where = folder
    while not where.exists():
        where = where.parent
    free = shutil.disk_usage(where).free / 2**30
    writable = os.access(where, os.W_OK)
    text = f"{folder}, {free:.1f} GiB free" + ("" if writable else "; read-only, works without")
    return Finding("cache", None if not writable else True, text)


def _onnxruntime() -> Finding:
    try:
        import onnxruntime
    except ImportError as error:
        if is_shortage(error):
            raise
        return Finding("onnxruntime", True, f"none ({error}): torch takes twice as long a frame")
    return Finding("onnxruntime", True, f"{onnxruntime.__version__}, looks at the frames")


def _packages() -> Finding:
    names = ("numpy", "scipy", "h5py", "av", "safetensors", "lightning-fabric", "wordllama")
    from importlib import metadata

    return Finding("packages", True, ", ".join(f"{n} {metadata.version(n)}" for n in names))


_CHECKS: tuple[Callable[[], Finding], ...] = (
    _python, _cpu, _torch, _onnxruntime, _packages, _ffmpeg, _decoders, _weights, _cache,
)  # fmt: skip
