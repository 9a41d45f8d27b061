"""What a training folder holds, recognised by the names of its subfolders.

    hazy/ with clear/ or gt/    RESIDE's ITS, OTS and SOTS (``hazy/ID_k_beta.png``, ``clear/ID.png``), or any two
    trainA/ with trainB/        the CycleGAN layout: A hazy, B clear; testA/ and testB/ are for validation
    NAME/rgb with NAME/depth    photos with depth (PNG, 8 or 16 bit, 0 = unknown): haze is put in while training
    NAME/rgb with NAME/labels   street scenes with CamVid class masks, from which depth is made

Folders within folders are searched too, but for those of the test sets (SOTS, HSTS, test..., val...).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from claritygan_cli.data.folders import image_files
from claritygan_cli.data.pairs import CLEAR_NAMES, HAZY_NAMES, truth_for
from claritygan_cli.errors import DataError

Haze = Literal["real", "measured", "masked", "invented"]
RESIDE_SITE = "https://sites.google.com/view/reside-dehaze-datasets"
TEST_SETS = ("sots", "hsts", "test", "val")
UNDERSTOOD = (
    "understood are hazy/ + clear/ or gt/ (RESIDE's ITS, OTS, SOTS), trainA/ (hazy) + trainB/ (clear), and "
    f"NAME/rgb + NAME/depth, or --hazy DIR --clear DIR; RESIDE is published at {RESIDE_SITE}"
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
    haze: Haze
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

    def add_domains(self, hazy: list[Path], clear: list[Path]) -> None:
        """Hazy and clear pictures; those that belong together by name become pairs, other clear ones invented haze."""
        truths = {path.stem: path for path in reversed(clear)}
        sources = [Source(path, "real", truth_for(path.stem, truths)) for path in hazy]
        used = {source.partner for source in sources}
        self.hazy += sources
        self.clear += clear
        self.pairs += [source for source in sources if source.partner]
        self.pairs += [Source(path, "invented") for path in clear if path not in used]

    def add_scenes(self, folder: Path, partners: Path, haze: Haze) -> None:
        """Photos with depth or masks.

        Raises:
            DataError: a photo has no partner.
        """
        files = {path.stem: path for path in image_files(partners)}
        for path in image_files(folder):
            if path.stem not in files:
                raise DataError(f"{path}: has no partner in {partners}; every photo there needs one of the same name")
            scene = Source(path, haze, files[path.stem])
            self.hazy.append(scene)
            self.clear.append(path)
            self.pairs.append(scene)


def _first(folder: Path, names: tuple[str, ...]) -> list[Path]:
    found = next((folder / name for name in names if (folder / name).is_dir()), None)
    return image_files(found) if found else []


def _collect(folder: Path, files: TrainingFiles) -> None:
    known = {*HAZY_NAMES, *CLEAR_NAMES, "trainA", "trainB", "rgb", "depth", "labels"}
    if (folder / "rgb").is_dir():
        for name, haze in (("depth", "measured"), ("labels", "masked")):
            if (folder / name).is_dir():
                files.add_scenes(folder / "rgb", folder / name, haze)  # type: ignore[arg-type]
                break
    files.add_domains(_first(folder, HAZY_NAMES), _first(folder, CLEAR_NAMES))
    files.add_domains(_first(folder, ("trainA",)), _first(folder, ("trainB",)))
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        if part.name not in known and not part.name.lower().startswith(TEST_SETS):
            _collect(part, files)


def find_training_files(data: tuple[Path, ...], hazy: tuple[Path, ...], clear: tuple[Path, ...]) -> TrainingFiles:
    """All pictures to train with.

    Args:
        data: folders in one of the layouts above.
        hazy, clear: folders of hazy and of clear pictures.

    Raises:
        DataError: a folder is missing or holds nothing to train with.
    """
    files = TrainingFiles()
    for folder in (*data, *hazy, *clear):
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; {UNDERSTOOD}")
    for folder in data:
        before = len(files.hazy) + len(files.clear)
        _collect(folder, files)
        if len(files.hazy) + len(files.clear) == before:
            raise DataError(f"{folder}: no training pictures found there; {UNDERSTOOD}")
    for folder in (*hazy, *clear):
        if not image_files(folder):
            raise DataError(f"{folder}: no pictures in it; {UNDERSTOOD}")
    files.add_domains([p for d in hazy for p in image_files(d)], [p for d in clear for p in image_files(d)])
    return files
