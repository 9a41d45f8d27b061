from pathlib import Path

import pytest
from PIL import Image

from claritygan_cli.data.pairs import find_pairs, pair_folders
from claritygan_cli.errors import DataError, UsageError


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (2, 2)).save(folder / name)


def names(root: Path) -> list[tuple[str, str]]:
    return [(pair.picture.name, pair.truth.name) for pair in find_pairs(root)]


@pytest.mark.parametrize("clear", ["clear", "gt", "GT"])
def test_reside_names(tmp_path: Path, clear: str) -> None:
    touch(tmp_path / "hazy", "1440_1_0.75.png", "1440_10_0.9.png", "144_2_0.8.png")
    touch(tmp_path / clear, "1440.png", "144.png")
    assert names(tmp_path) == [
        ("144_2_0.8.png", "144.png"),
        ("1440_1_0.75.png", "1440.png"),
        ("1440_10_0.9.png", "1440.png"),
    ]


def test_same_names_with_other_endings_and_underscores(tmp_path: Path) -> None:
    touch(tmp_path / "hazy", "01_light.png", "01_heavy.png")
    touch(tmp_path / "clear", "01.png", "01_light.jpg")
    assert names(tmp_path) == [("01_heavy.png", "01.png"), ("01_light.png", "01_light.jpg")]


def test_names_that_say_what_they_are(tmp_path: Path) -> None:
    touch(tmp_path / "hazy", "01_hazy.png")
    touch(tmp_path / "GT", "01_GT.png")
    assert names(tmp_path) == [("01_hazy.png", "01_GT.png")]


def test_sots_as_published(tmp_path: Path) -> None:
    touch(tmp_path / "indoor" / "hazy", "1400_1.png")
    touch(tmp_path / "indoor" / "gt", "1400.png")
    touch(tmp_path / "outdoor" / "hazy", "0001_0.8_0.2.jpg")
    touch(tmp_path / "outdoor" / "gt", "0001.png")
    assert [pair.name for pair in find_pairs(tmp_path)] == ["indoor/1400_1.png", "outdoor/0001_0.8_0.2.jpg"]


def test_cyclegan_test_folders(tmp_path: Path) -> None:
    touch(tmp_path / "testA", "a.jpg")
    touch(tmp_path / "testB", "a.jpg")
    touch(tmp_path / "trainA", "b.jpg")
    assert names(tmp_path) == [("a.jpg", "a.jpg")]


def test_deeper_releases(tmp_path: Path) -> None:
    touch(tmp_path / "SOTS" / "indoor" / "nyuhaze500" / "hazy", "1400_1.png")
    touch(tmp_path / "SOTS" / "indoor" / "nyuhaze500" / "gt", "1400.png")
    touch(tmp_path / "OTS" / "haze" / "part1", "0001_0.8_0.04.jpg")
    touch(tmp_path / "OTS" / "clear" / "clear_images", "0001.jpg")
    assert [pair.name for pair in find_pairs(tmp_path)] == [
        "OTS/part1/0001_0.8_0.04.jpg",
        "SOTS/indoor/nyuhaze500/1400_1.png",
    ]


def test_pairs_never_follow_order(tmp_path: Path) -> None:
    touch(tmp_path / "a", "1.png", "2.png")
    touch(tmp_path / "b", "3.png", "4.png")
    with pytest.raises(UsageError, match="no picture there has a ground truth"):
        pair_folders(tmp_path / "a", tmp_path / "b")


def test_pictures_without_truth_are_named(tmp_path: Path) -> None:
    touch(tmp_path / "hazy", "1_1.png", "2_1.png", "3_1.png")
    touch(tmp_path / "clear", "1.png")
    with pytest.raises(DataError, match=r"2_1\.png: has no ground truth in .*clear \(nor have 1 others\)"):
        find_pairs(tmp_path)


def test_two_truths_of_one_name(tmp_path: Path) -> None:
    touch(tmp_path / "hazy", "1_1.png")
    touch(tmp_path / "clear", "1.png", "1.jpg")
    with pytest.raises(DataError, match="both are the ground truth of '1'"):
        find_pairs(tmp_path)


def test_hidden_files_and_folders_are_no_pictures(tmp_path: Path) -> None:
    touch(tmp_path / "hazy", "1_1.png", "._1_1.png")
    touch(tmp_path / "clear", "1.png")
    (tmp_path / "hazy" / "folder.png").mkdir()
    assert names(tmp_path) == [("1_1.png", "1.png")]


def test_folders_that_are_not_as_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find_pairs(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no hazy and clear pictures in it; expected DIR/hazy"):
        find_pairs(tmp_path)
