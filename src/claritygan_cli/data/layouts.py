"""What a training folder holds, recognised by the names of its subfolders.

    hazy/ with clear/ or gt/    RESIDE's ITS, OTS and SOTS (``hazy/ID_k_beta.png``, ``clear/ID.png``), or any two
    NAME_hazy with NAME_GT      both in one folder, as in NH-HAZE
    trainA/ with trainB/        the CycleGAN layout: A hazy, B clear; testA/ and testB/ are for validation
    NAME/rgb with NAME/depth    photos with depth (PNG, 8 or 16 bit, 0 = unknown): haze is put in while training
    NAME with NAME_depth        the same
    NAME/rgb with NAME/labels   street scenes with CamVid class masks, from which depth is made

Names are taken in any case, and with words around them (ITS_haze, clear_images). Folders within folders are searched
too, but for those of test sets (SOTS, HSTS, test, val).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from claritygan_cli.data.naming import ROLES, folders_of, is_test_set, marked, parts_of, role_of
from claritygan_cli.data.pairs import Truths, is_flat, seen_in
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.media.find import image_files

HazeOrigin = Literal["real", "measured", "relative", "masked", "invented"]
DEPTH_SUFFIX = "_depth"
RESIDE_SITE = "https://sites.google.com/view/reside-dehaze-datasets"
UNDERSTOOD = (
    "understood are hazy/ + clear/ or gt/ (RESIDE's ITS, OTS, SOTS), trainA/ (hazy) + trainB/ (clear), and "
    f"NAME/rgb + NAME/depth, or folders of hazy and of clear pictures; RESIDE is published at {RESIDE_SITE}"
)


@dataclass(frozen=True)
class Source:
    """A picture to train with.

    Attributes:
        picture: the file.
        haze: where its haze comes from: it is ``real`` (in the file), or put in by depth that is ``measured``, or
            ``relative`` (only its order is right, and there is sky), or made from a ``masked`` street scene, or
            ``invented``.
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
        with_depth: clear pictures whose depth is known.
    """

    hazy: list[Source] = field(default_factory=list)
    clear: list[Path] = field(default_factory=list)
    pairs: list[Source] = field(default_factory=list)
    with_depth: set[Path] = field(default_factory=set)

    def add_domains(self, hazy: list[Path], clear: list[Path], paired: bool = True) -> None:
        """Folders of hazy and of clear pictures.

        Args:
            paired: whether pictures that have the same name belong together; clear ones that do not are given haze.
        """
        self.add_pictures(
            [(folder, path) for folder in hazy for path in image_files(folder)],
            [(folder, path) for folder in clear for path in image_files(folder)],
            paired,
        )

    def add_pictures(self, hazy: list[tuple[Path, Path]], truths: list[tuple[Path, Path]], paired: bool) -> None:
        """As :meth:`add_domains`, for files, each with the folder that it was found in."""
        known = Truths(truths) if paired else None
        sources = [
            Source(path, "real", known.of(path, path.relative_to(folder)) if known is not None else None)
            for folder, path in hazy
        ]
        used = {source.partner for source in sources} | self.with_depth
        self.hazy += sources
        self.clear += [path for _, path in truths]
        self.pairs += [source for source in sources if source.partner]
        self.pairs += [Source(path, "invented") for _, path in truths if path not in used]

    def add_scenes(self, folder: Path, partners: Path, haze: HazeOrigin) -> None:
        """Photos with depth or masks of the same name, in the same subfolder; relative depth may be there for some.

        Raises:
            DataError: a photo has no partner.
        """
        files = {path.relative_to(partners).with_suffix(""): path for path in image_files(partners)}
        for path in image_files(folder):
            partner = files.get(path.relative_to(folder).with_suffix(""))
            if partner is None and haze == "relative":
                self.clear.append(path)
                self.pairs.append(Source(path, "invented"))
                continue
            if partner is None:
                raise DataError(f"{path}: has no partner in {partners}; every photo there needs one of the same name")
            scene = Source(path, haze, partner)
            self.hazy.append(scene)
            self.clear.append(path)
            self.pairs.append(scene)

    def add_depths(self, folder: Path, depths: Path, haze: HazeOrigin) -> None:
        """Depth of the same name for some of the pictures of a folder."""
        files = {path.stem: path for path in image_files(depths)}
        for path in image_files(folder):
            if role_of(folder.name) != "clear":  # else it is added as a clear picture
                self.clear.append(path)
            if path.stem in files:
                self.with_depth.add(path)
                self.pairs.append(Source(path, haze, files[path.stem]))


def _collect(folder: Path, files: TrainingFiles, relative: frozenset[str], left_out: list[str]) -> None:
    """All that a folder and those below it hold; names of folders of test sets are noted."""
    scenes = folder / "rgb"
    depth: HazeOrigin = "relative" if folder.name in relative else "measured"
    if scenes.is_dir():
        for name, haze in (("depth", depth), ("labels", "masked")):
            if (folder / name).is_dir():
                files.add_scenes(scenes, folder / name, haze)
                break
    for depths in folders_of(folder):
        photos = folder / depths.name.removesuffix(DEPTH_SUFFIX)
        if depths.name.endswith(DEPTH_SUFFIX) and photos.is_dir():
            files.add_depths(photos, depths, "relative" if photos.name in relative else "measured")
    hazy, clear = (
        [p for p in parts_of(folder, role) if not (is_test_set(p.name) or (p / "rgb").is_dir())] for role in ROLES
    )
    files.add_domains(hazy[:1], clear[:1], paired="trainA" not in {part.name for part in hazy[:1]})
    if is_flat(folder):
        beside = [path for path in image_files(folder) if path.parent == folder]
        hazes, truths = ([(folder, path) for path in marked(beside, role)] for role in ROLES)
        files.add_pictures(hazes, truths, paired=True)
    for part in folders_of(folder):
        if is_test_set(part.name):
            left_out.append(part.name)
        elif (
            part not in (*hazy, *clear)
            and not (scenes.is_dir() and part.name in ("rgb", "depth", "labels"))
            and not part.name.endswith(DEPTH_SUFFIX)
        ):
            _collect(part, files, relative, left_out)


def find_training_files(
    data: tuple[Path, ...], hazy: tuple[Path, ...], clear: tuple[Path, ...], relative: tuple[str, ...] = ()
) -> TrainingFiles:
    """All pictures to train with.

    Args:
        data: folders in one of the layouts above.
        hazy, clear: folders of hazy and of clear pictures.
        relative: names of folders of photos whose depth is relative, see
            :func:`claritygan_cli.data.reader.read_relative_depth`.

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
        tests: list[str] = []
        _collect(folder, files, frozenset(relative), tests)
        if len(files.hazy) + len(files.clear) == before:
            skipped = f", of which {', '.join(sorted(set(tests)))} are left out as test sets" if tests else ""
            raise UsageError(f"{folder}: no training pictures found there; {seen_in(folder)}{skipped}; {UNDERSTOOD}")
    for folder in (*hazy, *clear):
        if not image_files(folder):
            raise UsageError(f"{folder}: no pictures in it; {UNDERSTOOD}")
    files.add_domains(list(hazy), list(clear))
    return files
