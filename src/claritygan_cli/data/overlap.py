"""Pictures that are in two sets at once."""

from collections.abc import Iterable
from pathlib import Path

from claritygan_cli.atomic import file_sha256


def overlap(training: Iterable[Path], validation: Iterable[Path]) -> list[Path]:
    """Training files whose bytes are those of a validation file, sorted.

    Only files of equal length are read.
    """
    lengths: dict[int, list[Path]] = {}
    for path in validation:
        lengths.setdefault(path.stat().st_size, []).append(path)
    hashes: dict[int, set[str]] = {}
    found = []
    for path in sorted(set(training)):
        length = path.stat().st_size
        if length in lengths:
            if length not in hashes:
                hashes[length] = {file_sha256(other) for other in lengths[length]}
            if file_sha256(path) in hashes[length]:
                found.append(path)
    return found
