"""PyTorch's compiler, which nothing here uses, and which optimisers and Lightning Fabric import."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile

VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


def import_compiler() -> None:
    """Import ``torch._dynamo`` without the empty cache that it leaves in the temporary folder.

    Call this before one of those is made or imported. A cache that the environment names is left
    alone.
    """
    if "torch._dynamo" in sys.modules or os.environ.get(VARIABLE):
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ[VARIABLE] = folder
        try:
            importlib.import_module("torch._dynamo")
        finally:
            del os.environ[VARIABLE]
