from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from claritygan_cli.data.layouts import find_training_files
from claritygan_cli.data.pairs import find_pairs, pair_folders
from claritygan_cli.errors import ClarityganError, DataError, UsageError


def save(path: Path, photo: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo).save(path)


def place(root: Path, photo: np.ndarray, *names: str) -> None:
    for name in names:
        save(root / name, photo[:32, :48])


@pytest.mark.parametrize("clear", ["clear", "gt"])
def test_reside(tmp_path: Path, photo: np.ndarray, clear: str) -> None:
    place(
        tmp_path, photo, "hazy/1_1_0.9.png", "hazy/1_2_0.8.png", "hazy/2_1_0.7.png", f"{clear}/1.png", f"{clear}/2.png"
    )
    files = find_training_files((tmp_path,), (), ())
    assert [source.haze for source in files.hazy] == ["real"] * 3
    assert [path.name for path in files.clear] == ["1.png", "2.png"]
    pairs = {source.picture.name: source.partner.name for source in files.pairs if source.partner}
    assert pairs == {"1_1_0.9.png": "1.png", "1_2_0.8.png": "1.png", "2_1_0.7.png": "2.png"}


def test_reside_in_parts_and_without_its_test_sets(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "OTS/hazy/part1/0001_0.8_0.2.jpg", "OTS/hazy/part2/0002_1_0.1.jpg", "OTS/clear/0001.jpg")
    place(tmp_path, photo, "OTS/clear/0002.jpg", "SOTS/indoor/hazy/1400_1.png", "SOTS/indoor/gt/1400.png")
    files = find_training_files((tmp_path,), (), ())
    assert [source.picture.name for source in files.hazy] == ["0001_0.8_0.2.jpg", "0002_1_0.1.jpg"]
    assert len(files.pairs) == 2
    only = find_training_files((tmp_path / "SOTS",), (), ())
    assert [source.picture.name for source in only.hazy] == ["1400_1.png"]


def test_truths_may_say_that_they_are(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "hazy/01_hazy.png", "GT/01_GT.png")
    assert [source.partner for source in find_training_files((tmp_path,), (), ()).pairs] == [tmp_path / "GT/01_GT.png"]


def test_cyclegan_layout(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "trainA/a.jpg", "trainB/b.jpg", "trainB/c.jpg", "testA/d.jpg", "testB/d.jpg")
    files = find_training_files((tmp_path,), (), ())
    assert [source.picture.name for source in files.hazy] == ["a.jpg"]
    assert [path.name for path in files.clear] == ["b.jpg", "c.jpg"]
    assert [source.haze for source in files.pairs] == ["invented"] * 2


def test_equal_names_are_no_pairs_in_an_unpaired_layout(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "trainA/0001.jpg", "trainB/0001.jpg")
    files = find_training_files((tmp_path,), (), ())
    assert [(source.haze, source.partner) for source in (*files.hazy, *files.pairs)] == [
        ("real", None),
        ("invented", None),
    ]


def test_equal_names_in_other_subfolders_are_not_mixed_up(tmp_path: Path, photo: np.ndarray) -> None:
    for part in "ab":
        place(tmp_path, photo, f"rgb/{part}/1.png", f"depth/{part}/1.png", f"hazy/{part}/1.png", f"clear/{part}/1.png")
    place(tmp_path, photo, "hazy/c/1.png")
    files = find_training_files((tmp_path,), (), ())
    for source in files.pairs:
        assert source.partner is not None
        assert source.partner.parent.name == source.picture.parent.name
    assert [source.partner for source in files.hazy if source.picture.parent.name == "c"] == [None]


def test_two_folders(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "fog/a.png", "sun/image16/b.png", "sun/a.png")
    files = find_training_files((), (tmp_path / "fog",), (tmp_path / "sun",))
    assert [source.picture.name for source in files.hazy] == ["a.png"]
    assert [path.name for path in files.clear] == ["a.png", "b.png"]
    assert {(s.picture.name, s.haze) for s in files.pairs} == {("a.png", "real"), ("b.png", "invented")}


def test_scenes_with_depth_and_masks(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "room/rgb/1.png", "room/depth/1.png", "street/rgb/2.png", "street/labels/2.png")
    place(tmp_path, photo, "clear/3.png", "hazy/4.png")
    files = find_training_files((tmp_path,), (), ())
    assert [(s.picture.name, s.haze) for s in files.hazy] == [
        ("4.png", "real"),
        ("1.png", "measured"),
        ("2.png", "masked"),
    ]
    assert sorted(path.name for path in files.clear) == ["1.png", "2.png", "3.png"]
    assert sorted(s.haze for s in files.pairs) == ["invented", "masked", "measured"]
    assert find_training_files((tmp_path / "room",), (), ()).hazy == files.hazy[1:2]


def test_errors_show_the_layouts_and_where_reside_is(tmp_path: Path, photo: np.ndarray) -> None:
    for data, hazy in (((tmp_path / "none",), ()), ((tmp_path,), ()), ((), (tmp_path,))):
        with pytest.raises(UsageError, match=r"hazy/ \+ clear/.*trainA.*NAME/depth.*RESIDE is published at https://"):
            find_training_files(data, hazy, ())
    place(tmp_path, photo, "room/rgb/1.png", "room/depth/2.png")
    with pytest.raises(DataError, match=r"1\.png: has no partner"):
        find_training_files((tmp_path,), (), ())


@pytest.mark.parametrize(
    ("hazy", "clear"),
    [
        ("Hazy/1.png", "Clear/1.png"),
        ("HAZY/01.png", "GT/01.png"),
        ("Hazy images/1.png", "Clear images/1.png"),
        ("ITS_haze/0001_01_0.7.png", "ITS_clear/0001.png"),
        ("OTS/0005_0.8_0.01.jpg", "clear_images/0005.jpg"),
        ("D-HAZY/Hazy/1_Hazy.bmp", "D-HAZY/GT/1_Image_.bmp"),
        ("hazy/hazy_1.png", "gt/gt_1.png"),
        ("NH-HAZE/01_hazy.png", "NH-HAZE/01_GT.png"),
        ("hazy/J005/00000.jpg", "gt/J005/00000.jpg"),
        ("synthetic/synthetic/0001.jpg", "synthetic/original/0001.jpg"),
        ("haze/OTS/0005_0.8.jpg", "clear/clear_images/0005.jpg"),
        ("input/1.png", "ground_truth/1.png"),
    ],
)
def test_public_layouts(tmp_path: Path, photo: np.ndarray, hazy: str, clear: str) -> None:
    place(tmp_path, photo, hazy, clear, "real-world/1.jpg", "depth/1.png")
    pairs = find_pairs(tmp_path)
    assert [(pair.picture, pair.truth) for pair in pairs] == [(tmp_path / hazy, tmp_path / clear)]
    files = find_training_files((tmp_path,), (), ())
    assert [(source.picture, source.partner) for source in files.pairs] == [(tmp_path / hazy, tmp_path / clear)]


def test_same_names_in_subfolders(tmp_path: Path, photo: np.ndarray) -> None:
    for part in "ab":
        place(tmp_path, photo, f"hazy/{part}/0.png", f"gt/{part}/0.png")
    assert {pair.picture.parent.name == pair.truth.parent.name for pair in find_pairs(tmp_path)} == {True}


def test_no_picture_is_its_own_truth(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "1.png", "2.png")
    with pytest.raises(UsageError, match="no picture there"):
        pair_folders(tmp_path, tmp_path)
    place(tmp_path / "flat", photo, "01_hazy.png", "01_GT.png")
    place(tmp_path / "results", photo, "01_hazy.png")
    (pair,) = pair_folders(tmp_path / "results", tmp_path / "flat")
    assert pair.truth.name == "01_GT.png"
    (pair,) = pair_folders(tmp_path / "flat", tmp_path / "flat")
    assert (pair.picture.name, pair.truth.name) == ("01_hazy.png", "01_GT.png")


@pytest.mark.parametrize("renamed", ["outdoor/reference/1.png", "outdoor/gt/other.png"])
def test_no_part_is_dropped_in_silence(tmp_path: Path, photo: np.ndarray, renamed: str) -> None:
    place(tmp_path, photo, "indoor/hazy/1.png", "indoor/gt/1.png", "outdoor/hazy/1.png", renamed)
    with pytest.raises(ClarityganError, match="outdoor/hazy"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(("name", "test_set"), [("valencia", False), ("testbed", False), ("val", True), ("SOTS", True)])
def test_test_sets_are_told_by_whole_words(tmp_path: Path, photo: np.ndarray, name: str, test_set: bool) -> None:
    place(tmp_path, photo, f"{name}/hazy/1.png", f"{name}/clear/1.png")
    if not test_set:
        assert len(find_training_files((tmp_path,), (), ()).pairs) == 1
        return
    with pytest.raises(UsageError, match=f"{name} are left out as test sets"):
        find_training_files((tmp_path,), (), ())


def test_relative_depth_of_some_photos(tmp_path: Path, photo: np.ndarray) -> None:
    """A folder of clear photos beside one of their depth, and one of both; not all photos have depth."""
    place(tmp_path, photo, "clear/a.png", "clear/b.png", "clear_depth/a.png", "clear2/rgb/c.png", "clear2/rgb/d.png")
    place(tmp_path, photo, "clear2/depth/d.png", "room/rgb/e.png", "room/depth/e.png")
    files = find_training_files((tmp_path,), (), (), relative=("clear", "clear2"))
    kinds = {source.picture.stem: source.haze for source in files.pairs}
    assert kinds == {"a": "relative", "b": "invented", "c": "invented", "d": "relative", "e": "measured"}
    assert sorted(path.stem for path in files.clear) == ["a", "b", "c", "d", "e"]
    assert len(files.pairs) == 5
    with pytest.raises(DataError, match=r"c\.png: has no partner"):
        find_training_files((tmp_path,), (), ())


def test_photos_beside_their_depth(tmp_path: Path, photo: np.ndarray) -> None:
    place(tmp_path, photo, "street/a.png", "street_depth/a.png")
    files = find_training_files((tmp_path,), (), ())
    assert [(source.picture.name, source.haze) for source in files.pairs] == [("a.png", "measured")]
    assert [path.name for path in files.clear] == ["a.png"]
