"""How often pictures are drawn, by patterns of their paths."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch

import numpy as np

from claritygan_cli.data.layouts import Source
from claritygan_cli.errors import SettingError


def parse(weight: str) -> tuple[str, float]:
    """``"nyu/*=0.4"`` as a pattern and a share.

    Raises:
        SettingError: it is not understood.
    """
    pattern, _, text = weight.rpartition("=")
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not (pattern and 0 <= share <= 1):
        raise SettingError("weights", weight, "must be like 'nyu/*=0.4', a pattern and a share from 0 to 1")
    return pattern, share


def shares_of_domains(domains: Mapping[int, Sequence[Source]], weights: Sequence[str]) -> dict[int, np.ndarray]:
    """Probabilities of each domain's pictures, added up: (n,) float64, the last 1.

    Args:
        weights: like ``"nyu/*=0.4"``: the share of all pictures whose path ends as the pattern says (wildcards as in a
            shell). The first pattern that fits counts. Pictures that fit none share what is left to 1, and where a
            domain lacks what others have, its shares are scaled up.

    Raises:
        SettingError: a weight is not understood or fits no picture, or they leave nothing of a domain.
    """
    patterns = [parse(weight) for weight in weights]
    others, used, result = len(patterns), set(), {}
    for domain, sources in domains.items():
        paths = [source.picture.as_posix() for source in sources]
        fits = (next((k for k, (p, _) in enumerate(patterns) if fnmatch(path, f"*/{p}")), others) for path in paths)
        chosen = np.fromiter(fits, int, len(paths))
        counts = np.bincount(chosen, minlength=others + 1)
        used |= set(np.flatnonzero(counts).tolist())
        shares = np.array(
            [share if count else 0.0 for (_, share), count in zip(patterns, counts, strict=False)] + [0.0]
        )
        shares[others] = max(0.0, 1 - shares.sum())
        each = shares[chosen] / counts[chosen]
        if paths and not each.sum():
            raise SettingError("weights", ", ".join(weights), "leave nothing to train on")
        result[domain] = np.cumsum(each / each.sum()) if paths else each
    for k, weight in enumerate(weights):
        if k not in used:
            raise SettingError("weights", weight, "fits none of the pictures to train on")
    return result
