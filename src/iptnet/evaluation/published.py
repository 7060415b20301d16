"""Figures that others published, for orientation beside ours; never a comparison of like with like.

All use GoogLeNet pool5 features and choose the epoch on the test videos, as the literature does.
"""

from __future__ import annotations

NOTE = "published; GoogLeNet features, test-selected"

Figures = dict[str, float]

#: setting → dataset → method → figures; F in [0, 1]
PUBLISHED: dict[str, dict[str, dict[str, Figures]]] = {
    "canonical": {
        "summe": {
            "iPTNet": {"f": 0.545, "tau": 0.101, "rho": 0.119},
            "DSNet anchor-free": {"f": 0.512},
            "DSNet anchor-based": {"f": 0.502},
            "VASNet": {"f": 0.497},
            "CSTA": {"tau": 0.246, "rho": 0.274},
        },
        "tvsum": {
            "iPTNet": {"f": 0.634, "tau": 0.134, "rho": 0.163},
            "DSNet anchor-free": {"f": 0.619},
            "DSNet anchor-based": {"f": 0.621},
            "VASNet": {"f": 0.614},
            "CSTA": {"tau": 0.194, "rho": 0.255},
        },
    },
    "augmented": {
        "summe": {"iPTNet": {"f": 0.569}},
        "tvsum": {"iPTNet": {"f": 0.642}},
    },
    "transfer": {
        "summe": {"iPTNet": {"f": 0.492}},
        "tvsum": {"iPTNet": {"f": 0.598}},
    },
}


def published(setting: str, dataset: str) -> dict[str, Figures]:
    """Method → figures for a dataset; validated settings are shown beside their plain ones."""
    plain = "canonical" if setting == "validated" else setting.removesuffix("-validated")
    return PUBLISHED.get(plain, {}).get(dataset, {})
