"""Video summarization and moment localization with one model, after iPTNet (CVPR 2022)."""

__version__ = "0.1.0"
