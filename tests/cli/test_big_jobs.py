"""Lists of inputs, dry runs, resuming, parts, watching: what large jobs need."""

import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome, json_lines, results_in
from tests.videos import make_video

from claritygan_cli.media.image_reader import read_picture

Cli = Callable[..., Outcome]
Make = Callable[[str], Path]


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in results_in(folder)}


def test_a_list_from_find(
    cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo_folder)
    listed = subprocess.run(["find", ".", "-print0"], capture_output=True, check=True).stdout

    class Stdin:
        buffer = io.BytesIO(listed)

    monkeypatch.setattr("sys.stdin", Stdin)
    done = cli("dehaze", "--from0", "-", "--out", "out", "--model", tiny_model("dehaze"), "--json")
    assert (done.code, results_in(photo_folder / "out")) == (0, {"a.png", "sub/b.png"})
    reports, summary = json_lines(done)
    assert sorted(r["input"] for r in reports if r["status"] == "done") == ["a.png", "sub/b.png"]
    assert summary["done"] == 2
    (tmp_path / "list.txt").write_text("a.png\nno.png\n")
    done = cli("dehaze", "--from-file", tmp_path / "list.txt", "--out", "new", "--model", tiny_model("dehaze"))
    assert (done.code, results_in(photo_folder / "new")) == (1, {"a.png"})
    assert "no.png: no such file" in done.err
    assert cli("dehaze", "--out", "new").code == 2
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa.png\r\n")
    assert cli("dehaze", "--from-file", tmp_path / "list.txt", "--out", "bom").code == 0
    (tmp_path / "list.txt").write_text("sub\n")
    done = cli("dehaze", "--from-file", tmp_path / "list.txt", "--out", "new")
    assert (done.code, "nothing in the list can be taken: 1 folder" in done.err) == (2, True)
    (tmp_path / "afile").touch()
    assert cli("dehaze", "a.png", "--out", tmp_path / "afile").code == 2
    assert "--from0" in cli("dehaze", "--from0", "nowhere", "--out", "new").err
    assert cli("dehaze", "--from0", "x", "--from-file", "y", "--out", "new").code == 2
    assert cli("dehaze", "-", "--from0", "x", "--out", "-").code == 2


def test_a_dry_run_touches_nothing(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    (photo_folder / "notes.txt").touch()
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_bytes(b"mine")
    done = cli("dehaze", photo_folder, "--out", out, "--dry-run")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"skipped: {out / 'a.png'}: exists already, made with settings unknown",
        f"planned: {photo_folder / 'sub/b.png'} -> {out / 'sub/b.png'}",
    ]
    assert done.err.startswith("1 planned, 1 skipped in")
    reports, summary = json_lines(cli("dehaze", photo_folder, "--out", out, "--dry-run", "--json", "--update"))
    assert [r["status"] for r in reports] == ["planned", "planned", "left out"]
    assert summary["planned"] == 2
    assert results_in(tmp_path / "out") == {"a.png"}
    assert not (out / ".claritygan.jsonl").exists()
    assert cli("dehaze", photo_folder, "--out", out, "--dry-run", "--model", "nonsense").code == 2


def test_update_makes_again_what_would_differ(cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make) -> None:
    out, model = tmp_path / "out", tiny_model("dehaze")
    common = ("dehaze", photo_folder, "--out", out, "--model", model)
    assert cli(*common).err.startswith("2 done in")
    first = contents(out)
    assert cli(*common, "--update").err.startswith("0 done, 2 skipped in")
    other = cli(*common, "--strength", 2)
    assert "of them 2 made with other settings (--update makes these again)" in other.err
    assert contents(out) == first
    assert cli(*common, "--strength", 2, "--update").err.startswith("2 done in")
    assert contents(out) != first
    os.utime(photo_folder / "a.png", (1, 1))
    reports, _ = json_lines(cli(*common, "--strength", 2, "--update", "--json"))
    assert {Path(r["input"]).name: r["status"] for r in reports} == {"a.png": "done", "b.png": "skipped"}
    (out / "a.png").write_bytes((photo_folder / "a.png").read_bytes())  # as a run with other settings that was killed
    reports, _ = json_lines(cli(*common, "--strength", 2, "--json"))
    assert "changed since it was made" in reports[0]["message"]
    reports, _ = json_lines(cli(*common, "--strength", 2, "--update", "--json"))
    assert {Path(r["input"]).name: r["status"] for r in reports} == {"a.png": "done", "b.png": "skipped"}
    data = bytearray(model.read_bytes())
    data[-2] ^= 1  # another weight
    model.write_bytes(data)
    assert cli(*common, "--strength", 2, "--update").err.startswith("2 done in")
    (out / "a.png").unlink()
    assert cli(*common, "--strength", 2, "--update").err.startswith("1 done, 1 skipped in")
    assert cli(*common, "--update", "--overwrite").code == 2
    single = cli("dehaze", photo_folder / "a.png", "--out", out / "x.png", "--update", "--model", model)
    assert (single.code, "--update" in single.err) == (2, True)


def test_nothing_is_decoded_nor_a_model_opened_where_all_is_done(
    cli: Cli, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("dehaze", photo_folder, "--out", tmp_path / "out")

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("claritygan_cli.batch.tasks.Opened", never)
    monkeypatch.setattr("claritygan_cli.batch.worker.read_bytes", never)
    assert cli("dehaze", photo_folder, "--out", tmp_path / "out", "--update").err.startswith("0 done, 2 skipped")


def test_parts_are_disjoint_and_make_up_the_whole(
    cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make
) -> None:
    for i in range(10):
        (photo_folder / f"{i}.png").write_bytes((photo_folder / "a.png").read_bytes())
    common = ("hazify", photo_folder, "--model", tiny_model("hazify"), "--json")
    cli(*common, "--out", tmp_path / "whole")
    names: list[str] = []
    for part in ("1/3", "2/3", "3/3"):
        reports, _ = json_lines(cli(*common, "--out", tmp_path / "parts", "--shard", part))
        names += [report["input"] for report in reports]
    assert len(names) == len(set(names)) == 12
    assert {k: v for k, v in contents(tmp_path / "parts").items() if k[0] != "."} == contents(tmp_path / "whole")
    for wrong in ("0/3", "4/3", "3", "a/b", "1/0", "-1/3"):
        assert cli(*common, "--out", tmp_path / "x", f"--shard={wrong}").code == 2


@pytest.mark.parametrize("how", ["copy", "link", "skip"])
def test_photos_with_little_haze_are_left_alone(cli: Cli, tmp_path: Path, photo: np.ndarray, how: str) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(photo).save(folder / "clear.png", compress_level=1)
    Image.fromarray((photo * 0.3 + 160).astype(np.uint8)).save(folder / "hazy.png")
    common = ("dehaze", folder, "--out", out, "--min-haze", "0.1", "--if-clear", how)
    reports, summary = json_lines(cli(*common, "--json"))
    assert [r["status"] for r in reports] == ["left alone", "done"]
    assert (summary["done"], summary["left_alone"]) == (1, 1)
    assert reports[0]["output"] == (None if how == "skip" else str(out / "clear.png"))
    assert (out / "clear.png").exists() == (how != "skip")
    assert (out / "clear.png").is_symlink() == (how == "link")
    if how != "skip":
        assert (out / "clear.png").read_bytes() == (folder / "clear.png").read_bytes()
    again = cli(*common)
    assert again.err.startswith("0 done, 2 skipped in")
    assert json_lines(cli(*common[:-4], "--json", "--update"))[1]["done"] == 2
    assert not (out / "clear.png").is_symlink()
    assert (folder / "clear.png").read_bytes() != (out / "clear.png").read_bytes()


def test_nothing_of_somebody_elses_is_deleted(cli: Cli, tmp_path: Path, photo: np.ndarray) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    for name in ("mine", "ours", "edited"):
        Image.fromarray(photo).save(folder / f"{name}.png")
    (out / "mine.png").write_text("mine")
    common = ("dehaze", folder, "--out", out, "--json")
    assert json_lines(cli(*common))[1]["done"] == 2
    (out / "edited.png").write_text("mine, too")
    reports, _ = json_lines(cli(*common, "--min-haze", 0.9, "--if-clear", "skip", "--update"))
    assert [report["status"] for report in reports] == ["left alone"] * 3
    assert results_in(out) == {"mine.png", "edited.png"}
    assert (out / "mine.png").read_text() == "mine"


def test_what_was_wrong_is_said_again(cli: Cli, photo_folder: Path, tmp_path: Path, photo: np.ndarray) -> None:
    truth = tmp_path / "truth"
    truth.mkdir()
    Image.fromarray(photo).save(truth / "a.png")
    common = ("dehaze", photo_folder, "--out", tmp_path / "out", "--ground-truth", truth)
    first, second = cli(*common), cli(*common)
    assert first.code == second.code == 1
    for done in (first, second, cli(*common, "--update")):
        assert "b.png: done, but not scored: no ground truth of its name" in done.err
    assert "1 skipped are not in these scores" not in second.err  # there are no scores
    (tmp_path / "out/a.png").unlink()
    third = cli(*common)
    assert "mean of 1" in third.out


def test_names_cannot_command_the_terminal(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a\x1b[31mred\x07\nb.png").write_text("damaged")
    for words in ((), ("--dry-run",)):
        done = cli("dehaze", tmp_path / "in", "--out", tmp_path / "out", *words)
        assert "\\x1b[31mred\\x07\\nb.png" in done.err + done.out
        assert "\x1b" not in done.err + done.out


def test_what_is_left_alone_is_still_written_as_wanted(cli: Cli, tmp_path: Path, photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x013B] = "me"
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif)
    common = ("dehaze", tmp_path / "a.jpg", "--min-haze", "0.5", "--json")
    cli(*common, "--out", tmp_path / "bare", "--strip-metadata")
    assert read_picture(tmp_path / "bare/a.jpg").metadata.exif is None
    cli(*common, "--out", tmp_path / "png", "--format", "png")
    assert np.array_equal(read_picture(tmp_path / "png/a.png").pixels, read_picture(tmp_path / "a.jpg").pixels)


def test_a_watched_folder(photo_folder: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "drop", tmp_path / "out"
    folder.mkdir()
    command = [sys.executable, "-m", "claritygan_cli", "dehaze", "--watch", str(folder), "--out", str(out), "--json"]
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a job in the background ignores it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    try:
        assert process.stdout is not None
        for name in ("first.png", "second.png"):
            (folder / "text.png").write_text("no picture")
            os.replace(photo_folder / "a.png", folder / name)
            line = json.loads(process.stdout.readline())
            assert (line["input"], line["status"]) == (str(folder / name), "done")
            assert (out / name).exists()
            if name == "first.png":
                line = json.loads(process.stdout.readline())
                assert (line["input"], line["status"]) == (str(folder / "text.png"), "failed")
                os.replace(photo_folder / "sub/b.png", photo_folder / "a.png")
                time.sleep(0.1)
        time.sleep(1.5)  # it waits again
        process.send_signal(signal.SIGINT)
        out_text, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1, err  # of the text
    summary = json.loads(out_text.splitlines()[-1])["summary"]
    assert (summary["done"], summary["failed"] >= 1) == (2, True)


def test_wrong_ways_to_watch(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    for wrong in ((photo_folder, "--watch", photo_folder), ("--watch", tmp_path / "no"), ("--watch", ".", "--dry-run")):
        done = cli("dehaze", *wrong, "--out", tmp_path / "out")
        assert (done.code, done.err.count("\n"), "--" in done.err) == (2, 1, True)
    for wrong in (("--watch", tmp_path, "--out", "s3://b/x"), ("-", "--out", "s3://b/x.jpg"), ("s3://b/x", "-o", "-")):
        done = cli("dehaze", *wrong)
        assert (done.code, done.err.count("\n")) == (2, 1)
    assert not Path("s3:").exists()


def test_wrong_reports(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    for wrong in (("--report", tmp_path / "r.txt"), ("--report", tmp_path), ("--report", "s3://b/r.html")):
        done = cli("dehaze", photo_folder, *wrong, "--out", tmp_path / "out")
        assert (done.code, done.err.count("\n"), "--" in done.err) == (2, 1, True)


def test_a_reader_that_goes_ends_it_quietly(photo_folder: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m claritygan_cli dehaze {photo_folder} --out {tmp_path}/out --json -q | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert not list((tmp_path / "out").glob(".*.part"))


def test_options_that_would_do_nothing_are_refused(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    folder, pipe = (photo_folder, "--out", tmp_path / "out"), (photo_folder / "a.png", "--out", "-")
    for words in (
        (*folder, "--if-clear", "skip"),
        (*folder, "--report", tmp_path / "r.html", "--dry-run"),
        (*folder, "--ray", "local", "--jobs", 2),
        (*pipe, "--report", tmp_path / "r.html"),
        (*pipe, "--update"),
        (*pipe, "--ray", "local"),
        ("--out", "-"),
    ):
        done = cli("dehaze", *words)
        assert (done.code, done.err.count("\n")) == (2, 1), words


def test_videos_are_not_made_again_for_what_concerns_photos(
    cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make
) -> None:
    make_video(photo_folder / "ride.mp4", range(3))
    common = ("dehaze", photo_folder, "--out", tmp_path / "out", "--model", tiny_model("dehaze"), "--update", "--json")
    cli(*common)
    reports, _ = json_lines(cli(*common, "--quality", 80))
    assert {Path(r["input"]).name: r["status"] for r in reports} == {
        "ride.mp4": "skipped",
        "a.png": "done",
        "b.png": "done",
    }
    reports, _ = json_lines(cli(*common, "--quality", 80, "--crf", 30))
    assert {Path(r["input"]).name: r["status"] for r in reports} == {
        "ride.mp4": "done",
        "a.png": "skipped",
        "b.png": "skipped",
    }


def test_a_watch_survives_what_it_finds(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, looks = tmp_path / "in", tmp_path / "out", 0
    folder.mkdir()
    out.mkdir()
    frames = [Image.fromarray(np.full((20, 30, 3), i * 80, np.uint8)) for i in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "a.png")

    def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            (folder / "a.png").unlink()
            frames[1].resize((40, 40)).save(folder / "a.png")
        if looks == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("claritygan_cli.batch.watch.time.sleep", sleep)
    done = cli("dehaze", "--watch", folder, "--out", out, "--crf", 20, "--json")
    reports, summary = json_lines(done)
    assert [(Path(r["input"]).name, r["status"]) for r in reports] == [
        ("a.png", "done"),
        ("moving.gif", "done"),  # of which alone the crf would be refused
        ("a.png", "done"),  # it has changed
    ]
    assert (done.code, summary["done"]) == (0, 3)
    assert read_picture(out / "a.png").pixels.shape == (40, 40, 3)


def test_the_shell_completes_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.onnx").touch()
    (tmp_path / "scan.txt").touch()
    for line in ("claritygan dehaze --model sca", "claritygan export sca", "claritygan benchmark sca"):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
        monkeypatch.setenv("_CLARITYGAN_COMPLETE", "complete_bash")
        words = cli().out.split()
        assert {"scattering-dehaze", "scattering-hazify", "scan.onnx"} <= set(words)
        assert "scan.txt" not in words


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission_are_one_line(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    (photo_folder / "a.png").chmod(0)
    done = cli("dehaze", photo_folder, "--out", tmp_path / "out", "-q")
    assert (done.code, done.err.count("\n"), "a.png" in done.err) == (1, 1, True)


def test_a_full_disk_is_one_line_for_each_file(
    cli: Cli, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def full(source: str, target: str) -> None:
        if str(target).endswith(".png"):
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr("os.replace", full)
    done = cli("dehaze", photo_folder, "--out", tmp_path / "out", "-q")
    assert (done.code, done.err.count("\n"), done.err.count("No space left on device")) == (1, 2, 2)
    assert results_in(tmp_path / "out") == set()
