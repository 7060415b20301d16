"""The moment localization module, part by part (METHOD.md, LM)."""

from iptnet.model.localization.module import (
    LocalizationConfig,
    LocalizationModule,
    LocalizationOutput,
)

__all__ = ["LocalizationConfig", "LocalizationModule", "LocalizationOutput"]
