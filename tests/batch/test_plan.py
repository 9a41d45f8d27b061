import os
from pathlib import Path

import pytest

from claritygan_cli.batch.plan import make_plan, output_name
from claritygan_cli.errors import UsageError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "in/a.jpg",
        "in/sub/b.PNG",
        "in/sub/image16 er/ü.webp",
        "in/notes.txt",
        "in/.hidden.png",
        "in/.git/c.png",
    ):
        touch(tmp_path / name)
    return tmp_path


def targets(*inputs: str, out: str = "out", **options: str) -> list[str]:
    return [str(job.target) for job in make_plan(inputs, Path(out), **options).jobs]


def test_folder_tree_is_mirrored(tree: Path) -> None:
    assert targets("in") == ["out/a.jpg", "out/sub/b.PNG", "out/sub/image16 er/ü.webp"]


def test_results_do_not_leave_their_folder(tree: Path) -> None:
    touch(tree / "elsewhere/b.PNG")
    (tree / "out").mkdir()
    (tree / "out/sub").symlink_to(tree / "elsewhere")
    plan = make_plan(["in"], Path("out"))
    assert [str(job.target) for job in plan.jobs] == ["out/a.jpg"]
    assert ["leads out" in reason for _, reason in plan.problems] == [True, True]
    touch(tree / "in/sub/deep/x.jpg")
    touch(tree / "secret/x.jpg")
    plan = make_plan(["in/*/../../secret/*.jpg"], Path("new"))
    assert not plan.jobs or all(job.target.resolve().is_relative_to(tree / "new") for job in plan.jobs)
    (tree / "alias").symlink_to(tree / "real")
    assert len(make_plan(["in"], Path("alias")).jobs) == 4  # a link as the folder itself is as good as the folder


def test_a_name_that_is_too_long_is_a_problem_of_its_own(tree: Path) -> None:
    touch(tree / f"in/{'x' * 250}.jpg")
    (tree / "out").mkdir()
    plan = make_plan(["in"], Path("out"), suffix="_clear")
    assert (len(plan.jobs), len(plan.problems)) == (3, 1)


def test_results_inside_the_input_are_not_inputs(tree: Path) -> None:
    touch(tree / "in/out/a.jpg")
    assert targets("in", out="in/out") == ["in/out/a.jpg", "in/out/sub/b.PNG", "in/out/sub/image16 er/ü.webp"]


def test_files_and_globs(tree: Path) -> None:
    assert targets("in/a.jpg", "in/sub/*") == ["out/a.jpg", "out/b.PNG", "out/image16 er/ü.webp"]
    assert targets("in/**/*.webp") == ["out/sub/image16 er/ü.webp"]
    assert targets("in/s*") == ["out/sub/b.PNG", "out/sub/image16 er/ü.webp"]


def test_a_file_named_twice_is_one_job(tree: Path) -> None:
    assert targets("in/a.jpg", "in/*.jpg") == ["out/a.jpg"]


def test_names_with_glob_characters_are_taken_literally(tree: Path) -> None:
    touch(tree / "in2/[1].jpg")
    assert targets("in2/[1].jpg") == ["out/[1].jpg"]


def test_a_single_file_may_name_its_result(tree: Path) -> None:
    assert targets("in/a.jpg", out="clear.png") == ["clear.png"]
    assert targets("in/a.jpg", out="clear.dir") == ["clear.dir/a.jpg"]
    for inputs, options in ((["in"], {}), (["in/a.jpg", "in/sub/b.PNG"], {}), (["in/a.jpg"], {"suffix": "_c"})):
        with pytest.raises(UsageError, match=r"out x\.jpg: names"):
            make_plan(inputs, Path("x.jpg"), **options)


def test_suffix_and_ending(tree: Path) -> None:
    assert targets("in/a.jpg", suffix="_clear", ending=".png") == ["out/a_clear.png"]
    assert output_name(Path("x/y.gif"), "", None) == Path("x/y.png")
    assert output_name(Path("x/y.z.JPG"), "_c", None) == Path("x/y.z_c.JPG")


def test_missing_inputs_and_empty_folders_are_problems(tree: Path) -> None:
    (tree / "empty").mkdir()
    plan = make_plan(["in/a.jpg", "nowhere.jpg", "empty", "no*.png"], Path("out"))
    assert len(plan.jobs) == 1
    assert [name for name, _ in plan.problems] == ["nowhere.jpg", "empty", "no*.png"]


def test_nothing_to_do_is_wrong_use(tree: Path) -> None:
    for inputs, reason in (
        (["in/*.txt"], r"^in/\*.txt: no photos or videos there$"),
        (["nowhere"], "^nowhere: no such file or folder$"),
        (["nowhere", "in/notes*"], r"^nowhere: no such file or folder; in/notes\*: no photos or videos there$"),
    ):
        with pytest.raises(UsageError, match=reason):
            make_plan(inputs, Path("out"))


def test_earlier_results_are_no_inputs(tree: Path) -> None:
    first = targets("in", out="in", suffix="_clear")
    touch(tree / first[0])
    assert targets("in", out="in", suffix="_clear") == first
    touch(tree / "in/out/a.jpg")
    assert targets("in/**/*.jpg", out="in/out") == ["in/out/a.jpg", "in/out/a_clear.jpg"]


@pytest.mark.parametrize(("inputs", "out"), [(["in"], "in"), (["in/a.jpg"], "in/a.jpg"), (["in"], "./in/../in")])
def test_inputs_are_never_overwritten(tree: Path, inputs: list[str], out: str) -> None:
    with pytest.raises(UsageError, match="would overwrite an input"):
        make_plan(inputs, Path(out))
    assert targets("in", out="in", suffix="_clear")[0] == "in/a_clear.jpg"


def test_links_to_inputs_are_inputs(tree: Path) -> None:
    (tree / "out").mkdir()
    os.link(tree / "in/a.jpg", tree / "out/a.jpg")
    with pytest.raises(UsageError, match="would overwrite an input"):
        make_plan(["in/a.jpg"], Path("out"))
    (tree / "linked").symlink_to(tree / "in")
    with pytest.raises(UsageError, match="would overwrite an input"):
        make_plan(["in"], Path("linked"))


def test_two_results_of_one_name(tree: Path) -> None:
    touch(tree / "other/a.jpg")
    touch(tree / "other/z.jpg")
    plan = make_plan(["in", "other"], Path("out"))
    assert [str(job.target) for job in plan.jobs][-1] == "out/z.jpg"
    assert plan.problems == (("other/a.jpg", "out/a.jpg is the result of in/a.jpg already; give it another folder"),)
