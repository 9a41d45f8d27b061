"""What a training folder holds, recognised by the names of its subfolders.

    hazy/ with clear/ or gt/    RESIDE's ITS, OTS and SOTS (``hazy/ID_k_beta.png``, ``clear/ID.png``), or any two
    trainA/ with trainB/        the CycleGAN layout: A hazy, B clear; testA/ and testB/ are for validation
    NAME/rgb with NAME/depth    photos with depth (PNG, 8 or 16 bit, 0 = unknown): haze is put in while training
    NAME/rgb with NAME/labels   street scenes with CamVid class masks, from which depth is made

Folders within folders are searched too, but for those of the test sets (SOTS, HSTS, test..., val...).
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from claritygan_cli.data.pairs import CLEAR_NAMES, HAZY_NAMES, truth_for, truth_stem
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.media.find import image_files

HazeOrigin = Literal["real", "measured", "masked", "invented"]
RESIDE_SITE = "https://sites.google.com/view/reside-dehaze-datasets"
TEST_SETS = ("sots", "hsts", "test", "val")
UNDERSTOOD = (
    "understood are hazy/ + clear/ or gt/ (RESIDE's ITS, OTS, SOTS), trainA/ (hazy) + trainB/ (clear), and "
    f"NAME/rgb + NAME/depth, or folders of hazy and of clear pictures; RESIDE is published at {RESIDE_SITE}"
)


@dataclass(frozen=True)
class Source:
    """A picture to train with.

    Attributes:
        picture: the file.
        haze: where its haze comes from: it is ``real`` (in the file), or put in by depth that is ``measured``, made
            from a ``masked`` street scene, or ``invented``.
        partner: the clear picture of a really hazy one where there is one; the depth or the mask of a clear one.
    """

    picture: Path
    haze: HazeOrigin
    partner: Path | None = None


@dataclass
class TrainingFiles:
    """The two domains, which are sampled independently of each other, and the pairs for supervised terms.

    Attributes:
        hazy: really hazy pictures, and scenes to put haze into.
        clear: clear pictures.
        pairs: hazy pictures whose clear picture is known, or will be since the haze is put in.
    """

    hazy: list[Source] = field(default_factory=list)
    clear: list[Path] = field(default_factory=list)
    pairs: list[Source] = field(default_factory=list)

    def add_domains(self, hazy: list[Path], clear: list[Path], paired: bool = True) -> None:
        """Folders of hazy and of clear pictures.

        Args:
            paired: whether pictures that have the same name belong together; clear ones that do not are given haze.
        """
        truths = [(folder, path) for folder in clear for path in image_files(folder)]
        often = Counter(truth_stem(path) for _, path in truths)
        unique = {truth_stem(path): path for _, path in truths if often[truth_stem(path)] == 1}
        beside: dict[Path, dict[str, Path]] = defaultdict(dict)
        for folder, path in truths:
            beside[path.parent.relative_to(folder)][truth_stem(path)] = path
        sources = []
        for folder in hazy:
            for path in image_files(folder):
                near = beside[path.parent.relative_to(folder)]
                truth = truth_for(path.stem, near) or truth_for(path.stem, unique)
                sources.append(Source(path, "real", truth if paired else None))
        used = {source.partner for source in sources}
        self.hazy += sources
        self.clear += [path for _, path in truths]
        self.pairs += [source for source in sources if source.partner]
        self.pairs += [Source(path, "invented") for _, path in truths if path not in used]

    def add_scenes(self, folder: Path, partners: Path, haze: HazeOrigin) -> None:
        """Photos with depth or masks of the same name, in the same subfolder.

        Raises:
            DataError: a photo has no partner.
        """
        files = {path.relative_to(partners).with_suffix(""): path for path in image_files(partners)}
        for path in image_files(folder):
            partner = files.get(path.relative_to(folder).with_suffix(""))
            if partner is None:
                raise DataError(f"{path}: has no partner in {partners}; every photo there needs one of the same name")
            scene = Source(path, haze, partner)
            self.hazy.append(scene)
            self.clear.append(path)
            self.pairs.append(scene)


def _first(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return [folder / name for name in names if (folder / name).is_dir()][:1]


def _collect(folder: Path, files: TrainingFiles) -> None:
    known = {*HAZY_NAMES, *CLEAR_NAMES, "trainA", "trainB", "rgb", "depth", "labels"}
    if (folder / "rgb").is_dir():
        for name, haze in (("depth", "measured"), ("labels", "masked")):
            if (folder / name).is_dir():
                files.add_scenes(folder / "rgb", folder / name, haze)  # type: ignore[arg-type]
                break
    files.add_domains(_first(folder, HAZY_NAMES), _first(folder, CLEAR_NAMES))
    files.add_domains(_first(folder, ("trainA",)), _first(folder, ("trainB",)), paired=False)
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        if part.name not in known and not part.name.lower().startswith(TEST_SETS):
            _collect(part, files)


def find_training_files(data: tuple[Path, ...], hazy: tuple[Path, ...], clear: tuple[Path, ...]) -> TrainingFiles:
    """All pictures to train with.

    Args:
        data: folders in one of the layouts above.
        hazy, clear: folders of hazy and of clear pictures.

    Raises:
        UsageError: a folder is missing or holds nothing to train with.
        DataError: a photo lacks its depth or its mask.
    """
    files = TrainingFiles()
    for folder in (*data, *hazy, *clear):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; {UNDERSTOOD}")
    for folder in data:
        before = len(files.hazy) + len(files.clear)
        _collect(folder, files)
        if len(files.hazy) + len(files.clear) == before:
            raise UsageError(f"{folder}: no training pictures found there; {UNDERSTOOD}")
    for folder in (*hazy, *clear):
        if not image_files(folder):
            raise UsageError(f"{folder}: no pictures in it; {UNDERSTOOD}")
    files.add_domains(list(hazy), list(clear))
    return files
