"""Picture–sentence contrast: InfoNCE both ways, with several right sentences for each picture.

Each sentence must find its picture among the batch, and each picture must give its own K sentences
more weight than the others'. That term is the mean log-probability over the right sentences, not
the log of their summed probability: all should fit, not only the easiest. Since two pictures may
well show the same thing, a part of the loss has soft targets instead: how much a sentence
resembles what is said of each picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

# The soft part stands in for both directions of the hard one (1 + 0.5).
PICTURE_WEIGHT = 0.5


def caption_contrast(
    pictures: torch.Tensor,
    sentences: torch.Tensor,
    temperature: float,
    softness: float = 0.0,
) -> torch.Tensor:
    """The loss of one batch.

    Args:
        pictures: (N, D), rows of length one.
        sentences: (N, K, D), rows of length one; ``sentences[i]`` all describe ``pictures[i]``.
        temperature: divides the cosines, and those of the soft targets.
        softness: share of the soft part, 0 to 1.

    Returns:
        Scalar: (1 − softness) · (cross-entropy of sentence → picture + ½ picture → sentences)
        + softness · 1½ · cross-entropy of sentence → picture with soft targets.
    """
    count, each, width = sentences.shape
    flat = sentences.reshape(-1, width)
    scores = pictures @ flat.T / temperature
    order = torch.arange(count, device=scores.device)
    owner = order.repeat_interleave(each)
    to_picture = scores.T.log_softmax(dim=1)
    to_sentences = scores.log_softmax(dim=1).reshape(count, count, each)
    hard = F.nll_loss(to_picture, owner) - PICTURE_WEIGHT * to_sentences[order, order].mean()
    if not softness:
        return hard
    targets = soft_targets(sentences, temperature)
    soft = -(targets * to_picture).sum(dim=1).mean()
    return (1 - softness) * hard + softness * (1 + PICTURE_WEIGHT) * soft


def soft_targets(sentences: torch.Tensor, temperature: float) -> torch.Tensor:
    """How much each sentence resembles what is said of each picture.

    Args:
        sentences: (N, K, D), rows of length one.
        temperature: divides the cosines.

    Returns:
        (N·K, N), rows sum to one: softmax of the cosine with each picture's mean sentence, the
        sentence's own picture counting as cosine 1.
    """
    count, each, width = sentences.shape
    with torch.no_grad():
        means = F.normalize(sentences.sum(dim=1), dim=1)
        likeness = sentences.reshape(-1, width) @ means.T
        rows = torch.arange(count * each, device=likeness.device)
        likeness[rows, rows // each] = 1.0
        return (likeness / temperature).softmax(dim=1)
