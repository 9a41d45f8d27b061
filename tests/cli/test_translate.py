import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from tests.conftest import Outcome, json_lines, results_in

from claritygan_cli.media.image_reader import decode_picture, read_picture
from claritygan_cli.media.image_writer import save_picture
from claritygan_cli.media.metadata import Metadata
from claritygan_cli.media.picture import Picture
from claritygan_cli.models.card import ModelCard
from claritygan_cli.models.weights import build_generator, save_model

Cli = Callable[..., Outcome]
Make = Callable[[str], Path]


def pixels(path: Path) -> np.ndarray:
    return read_picture(path).pixels


def test_folder_in_folder_out(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    done = cli("dehaze", photo_folder, "--out", tmp_path / "out")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("2 done in ")
    for name in ("a.png", "sub/b.png"):
        before, after = pixels(photo_folder / name), pixels(tmp_path / "out" / name)
        assert before.shape == after.shape
        assert not np.array_equal(before, after)
    again = cli("dehaze", photo_folder, "--out", tmp_path / "out")
    assert again.code == 0
    assert "0 done, 2 skipped" in again.err


def test_options_reach_the_result(cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make) -> None:
    source = photo_folder / "a.png"
    common = ("dehaze", source, "--model", tiny_model("dehaze"), "--device", "cpu", "--quiet")
    assert cli(*common, "--out", tmp_path / "0", "--strength", 0).err == ""
    assert np.array_equal(pixels(tmp_path / "0/a.png"), pixels(source))
    cli(*common, "--out", tmp_path / "1")
    cli(*common, "--out", tmp_path / "2", "--strength", 2)
    cli(*common, "--out", tmp_path / "w", "--working-size", 128)
    one, two, wide = (pixels(tmp_path / f"{name}/a.png") for name in "12w")
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, wide)
    cli(*common, "--out", tmp_path / "f", "--format", "jpg", "--suffix", "_clear", "--quality", 90)
    assert results_in(tmp_path / "f") == {"a_clear.jpg"}
    cli(*common, "--out", tmp_path / "g", "--format", "jpeg")
    assert results_in(tmp_path / "g") == {"a.jpeg"}


def test_hazify_same_seed_same_bytes(cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make) -> None:
    model = tiny_model("hazify")

    def run(name: str, *options: object) -> bytes:
        done = cli("hazify", photo_folder, "--out", tmp_path / name, "--model", model, *options)
        assert done.code == 0
        return (tmp_path / name / "a.png").read_bytes()

    assert run("1") == run("2")
    assert run("1", "--overwrite") != run("3", "--seed", 5)
    assert run("4", "--density", 1, "--airlight", "0.9") == run("5", "--density", 1, "--airlight", 0.9, "--seed", 9)
    run("6", "--density", 0)
    assert np.array_equal(pixels(tmp_path / "6/a.png"), pixels(photo_folder / "a.png"))
    run("7", "--density", 20, "--airlight", "1,0.5,0")
    far = pixels(tmp_path / "7/a.png").reshape(-1, 3).astype(int)
    toward = np.abs(far - [255, 128, 0]).sum(1).min()
    assert toward < 40


def test_hazify_refuses_what_the_model_has_no_use_for(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    card = ModelCard("resnet", "hazify", {"width": 4, "blocks": 1, "working_size": 64})
    save_model(tmp_path / "r.safetensors", build_generator(card), card)
    common = ("hazify", photo_folder, "--out", tmp_path / "out", "--model", tmp_path / "r.safetensors")
    done = cli(*common, "--density", 1, "--seed", 0)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "--density: " in done.err
    assert not (tmp_path / "out").exists()
    assert cli(*common).code == 0


def test_wrong_use_is_exit_code_2(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for arguments in (
        ("dehaze", photo_folder),
        ("dehaze", photo_folder, "--out", photo_folder),
        ("dehaze", photo_folder, "--out", out, "--strength", -1),
        ("dehaze", photo_folder, "--out", out, "--device", "tpu"),
        ("dehaze", photo_folder, "--out", out, "--format", "gif"),
        ("dehaze", photo_folder, "--out", out, "--ground-truth", tmp_path / "nowhere"),
        ("hazify", photo_folder, "--out", out, "--density", "thick"),
        ("hazify", photo_folder, "--out", out, "--airlight", "1,2"),
        ("dehaze", "-", "-", "--out", "-"),
        ("nonsense",),
    ):
        done = cli(*arguments)
        assert done.code == 2, (arguments, done)
        assert done.out == ""
        assert done.err
        assert "Traceback" not in done.err
    assert not out.exists()


def test_an_unknown_model_is_wrong_use_and_a_broken_one_a_failure(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"1234567890")
    for model, code in (("no-such-model", 2), (tmp_path / "broken.safetensors", 1)):
        done = cli("dehaze", photo_folder, "--out", tmp_path / "out", "--model", model)
        assert done.code == code
        assert done.err.count("\n") == 1
        assert str(model) in done.err


def test_json_report(cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make) -> None:
    (photo_folder / "bad.png").write_text("text")
    done = cli("dehaze", photo_folder, "--out", tmp_path / "out", "--model", tiny_model("dehaze"), "--json", "-q")
    assert done.code == 1
    reports, summary = json_lines(done)
    assert (summary["done"], summary["failed"], summary["skipped"]) == (2, 1, 0)
    assert [r["status"] for r in reports] == ["done", "failed", "done"]
    assert reports[0]["output"] == str(tmp_path / "out/a.png")
    assert reports[0]["size"] == [150, 100]
    haze = reports[0]["haze"]
    assert 0 < haze["transmission"] <= 1
    assert len(haze["airlight"]) == 3
    assert haze["hazy"] == (haze["transmission"] < 0.9)
    assert "haze" not in reports[1]
    assert done.err.count("\n") == 1
    assert "bad.png" in done.err


def test_ground_truth_scores(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    hazy = tmp_path / "hazy"
    hazy.mkdir()
    for stem in ("a_1_0.8", "a_2_0.9"):
        (hazy / f"{stem}.png").write_bytes((photo_folder / "a.png").read_bytes())
    arguments = ("dehaze", hazy, "--out", tmp_path / "out", "--strength", 0, "--ground-truth", photo_folder)
    done = cli(*arguments)
    assert done.code == 0
    assert "100.00" in done.out
    assert "mean of 2" in done.out
    assert "Protocol:" in done.out
    _, summary = json_lines(cli(*arguments, "--overwrite", "--json"))
    assert summary["mean"]["psnr"] == 100
    save_picture(hazy / "c.png", Picture(np.zeros((5, 5, 3), np.uint8)))
    done = cli(*arguments, "--overwrite")
    assert done.code == 1
    assert "c.png: done, but not scored: no ground truth of its name" in done.err
    assert (tmp_path / "out/c.png").exists()
    assert "mean of 2" in done.out
    (hazy / "c.png").unlink()
    (photo_folder / "a.png").write_bytes((photo_folder / "a.png").read_bytes()[:300])
    (tmp_path / "out/a_1_0.8.png").unlink()
    done = cli(*arguments)
    assert (done.code, "done, but not scored" in done.err) == (1, True)
    assert (tmp_path / "out/a_1_0.8.png").exists()  # a good result is not lost by a bad truth


@pytest.fixture
def zoo(tmp_path: Path, photo: np.ndarray) -> Path:
    """A folder with everything that people have, good and bad."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    image16 = (photo.astype(np.uint16) * 257) ^ 5
    save_picture(
        folder / "image16 16 bit.png",
        Picture(image16, metadata=Metadata(icc=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())),
    )
    save_picture(folder / "one.png", Picture(photo[:1, :1]))
    save_picture(folder / "grün und 雾.webp", Picture(photo))
    Image.fromarray(photo).convert("CMYK").save(folder / "cmyk.jpg")
    palette = Image.fromarray(photo).quantize(16)
    palette.save(folder / "palette.png", transparency=3)
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "me"
    Image.fromarray(photo).save(folder / "turned too.tiff", exif=exif)
    exif[0x0100], exif[0x0101], exif[0x8769] = 5, 5, {33434: 0.01}
    Image.fromarray(photo).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(photo).save(folder / "whole.jpg")
    data = (folder / "whole.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(data[: len(data) // 2])
    (folder / "text.png").write_text("this is no picture")
    (folder / "empty.png").touch()
    palette.save(folder / "palette too.tiff")
    frames = [Image.fromarray(photo), Image.fromarray(255 - photo)]
    frames[0].save(folder / "two pages.tiff", save_all=True, append_images=frames[1:])
    return folder


@pytest.mark.parametrize(("command", "neutral"), [("dehaze", ("--strength", 0)), ("hazify", ("--density", 0))])
def test_every_good_file_is_done_and_every_bad_one_named(
    cli: Cli, zoo: Path, tmp_path: Path, command: str, neutral: tuple
) -> None:
    bad = {"truncated.jpg", "text.png", "empty.png"}
    good = {p.name for p in zoo.iterdir()} - bad
    untouched = {p.name: p.read_bytes() for p in zoo.iterdir()}

    done = cli(command, zoo, "--out", tmp_path / "out")
    assert done.code == 1
    assert results_in(tmp_path / "out") == good
    lines = done.err.splitlines()
    assert len(lines) == len(bad) + 1
    assert all(any(str(zoo / name) in line for line in lines) for name in bad)
    assert f"{len(good)} done, 3 failed" in lines[-1]
    assert {p.name: p.read_bytes() for p in zoo.iterdir()} == untouched

    for name in good:  # what a result must keep whatever the model does
        before, after = (read_picture(folder / name, pages=True) for folder in (zoo, tmp_path / "out"))
        assert len(after.pages) == len(before.pages)
        assert after.pixels.shape == before.pixels.shape
        assert after.pixels.dtype == before.pixels.dtype
        assert after.metadata.icc == before.metadata.icc
        assert after.metadata.exif == before.metadata.exif
        assert (after.alpha is None) == (before.alpha is None)
        assert before.alpha is None or np.array_equal(after.alpha, before.alpha)

    assert cli(command, zoo, "--out", tmp_path / "same", "--format", "png", *neutral).code == 1
    for name in good:  # nothing is lost on the way: no haze changed, no bit changed
        result = tmp_path / "same" / Path(name).with_suffix(".png")
        before = read_picture(zoo / name, pages=True)
        assert np.array_equal(pixels(result), before.at_8_bits().pixels if before.pages else before.pixels), name


def run_process(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "claritygan_cli", *map(str, arguments)], input=stdin, capture_output=True
    )


def test_pipes_carry_nothing_but_the_picture(photo_folder: Path, tiny_model: Make) -> None:
    model = tiny_model("dehaze")
    data = (photo_folder / "a.png").read_bytes()
    done = run_process("dehaze", "-", "--out", "-", "--model", model, stdin=data)
    assert (done.returncode, done.stderr) == (0, b"")
    piped = decode_picture(done.stdout, "stdout")
    assert piped.pixels.shape == pixels(photo_folder / "a.png").shape
    filed = run_process("dehaze", photo_folder / "a.png", "--out", "-", "--model", model)
    assert filed.stdout == done.stdout
    jpeg = run_process("dehaze", "-", "--out", "-", "--model", model, "--format", "jpg", stdin=data)
    assert jpeg.stdout.startswith(b"\xff\xd8\xff")
    broken = run_process("dehaze", "-", "--out", "-", "--model", model, stdin=b"text")
    assert (broken.returncode, broken.stdout) == (1, b"")
    assert broken.stderr == b"claritygan: standard input: not a picture, or not of a kind that can be read\n"


def test_pipes_keep_the_format_and_overwrite_nothing(photo_folder: Path, tiny_model: Make, tmp_path: Path) -> None:
    model = tiny_model("dehaze")
    with Image.open(photo_folder / "a.png") as image:
        image.save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    assert run_process("dehaze", "-", "--out", "-", "--model", model, stdin=data).stdout.startswith(b"\xff\xd8\xff")
    refused = run_process("dehaze", "-", "--out", tmp_path / "a.jpg", "--model", model, stdin=data)
    assert refused.returncode == 2
    assert (tmp_path / "a.jpg").read_bytes() == data
    again = run_process("dehaze", "-", "--out", tmp_path / "b.jpg", "--model", model, stdin=data)
    assert (again.returncode, again.stdout, again.stderr) == (0, b"", b"")
    assert pixels(tmp_path / "b.jpg").shape == pixels(tmp_path / "a.jpg").shape


def test_debug_shows_the_traceback(photo_folder: Path, tmp_path: Path) -> None:
    done = run_process("--debug", "dehaze", photo_folder, "--out", tmp_path / "o", "--model", "none")
    assert done.returncode == 1  # Python's own, of an exception
    assert b"Traceback" in done.stderr
    assert b"SettingError" in done.stderr


def test_interrupt_is_130_and_leaves_no_fragments(photo_folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "def stop(*_, **__): raise KeyboardInterrupt\n"
        "import claritygan_cli.models.image_translator as t\n"
        "t.ImageTranslator.translate = stop\n"
        "from claritygan_cli.cli import main\n"
        "main()\n"
    )
    out = tmp_path / "out"
    arguments = ["dehaze", str(photo_folder), "--out", str(out), "--runtime", "torch"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True)
    assert done.returncode == 130
    assert done.stderr.endswith(b"claritygan: interrupted\n")
    assert not out.exists() or list(out.rglob("*.*")) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [(("--suffix", "_c"), "--suffix"), (("--codec", "h264"), "--codec"), (("--max-frames", "1"), "--max-frames")],
)
def test_pipes_refuse_what_they_cannot_do(
    cli: Cli, photo_folder: Path, tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    done = cli("dehaze", photo_folder / "a.png", "--out", "-", *options)
    assert (done.code, done.err.count("\n"), f"claritygan: {named}: " in done.err) == (2, 1, True)


def test_pipes_score_to_stderr(photo_folder: Path, tmp_path: Path) -> None:
    truths = shutil.copytree(photo_folder, tmp_path / "truths")
    done = run_process("dehaze", photo_folder / "a.png", "--out", "-", "--strength", 0, "--ground-truth", truths)
    assert (done.returncode, done.stdout[:4], b"100.00" in done.stderr) == (0, b"\x89PNG", True)


def test_dangling_links_and_pipes_are_named(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    link, fifo = photo_folder / "gone.jpg", photo_folder / "waiting.png"
    link.symlink_to(photo_folder / "nowhere.jpg")
    os.mkfifo(fifo)
    for path in (link, fifo):
        done = cli("dehaze", path, "--out", tmp_path / "alone")
        assert (done.code, done.err.count("\n"), path.name in done.err) == (2, 1, True)
    done = cli("dehaze", photo_folder, "--out", tmp_path / "out")
    assert done.code == 1
    assert "gone.jpg: not a regular file" in done.err
    assert "waiting.png: not a regular file" in done.err
    assert "2 done, 2 failed" in done.err


def test_unexpected_errors_are_one_line(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TypeError("of\nsome kind")

    monkeypatch.setattr("claritygan_cli.batch.plan.make_plan", fail)
    done = cli("dehaze", tmp_path, "--out", tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "unexpected TypeError: of some kind; claritygan --debug COMMAND" in done.err


def test_a_result_of_an_unknown_kind_is_wrong_use(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    done = cli("dehaze", photo_folder / "a.png", "--out", tmp_path / "result.psd")
    assert (done.code, "--out" in done.err) == (2, True)
    assert not (tmp_path / "result.psd").exists()
    (tmp_path / "v1.0").mkdir()
    assert cli("dehaze", photo_folder / "a.png", "--out", tmp_path / "v1.0").code == 0


def test_a_suffix_is_part_of_a_name(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    done = cli("dehaze", photo_folder, "--out", tmp_path / "out", "--suffix", "a/b")
    assert (done.code, done.err.count("\n"), "--suffix a/b: " in done.err) == (2, 1, True)


@pytest.mark.parametrize(("words", "closed"), [("- --out x.png", "<&-"), ("a.png --out -", ">&-")])
def test_closed_streams_are_one_line(photo_folder: Path, words: str, closed: str) -> None:
    command = f"{sys.executable} -m claritygan_cli dehaze {words} {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=photo_folder, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.count(b"\n"), b"is closed" in done.stderr) == (2, 1, True)


def test_names_that_are_no_utf_8(photo_folder: Path, tmp_path: Path) -> None:
    odd = os.fsencode(photo_folder) + b"/caf\xe9.png"
    os.rename(photo_folder / "a.png", odd)
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    command = [sys.executable, "-m", "claritygan_cli", "dehaze", photo_folder, "--out", tmp_path / "out"]
    truths = shutil.copytree(photo_folder, tmp_path / "truths")
    done = subprocess.run([*command, "--ground-truth", truths], env=environment, capture_output=True, check=False)
    assert (done.returncode, b"caf\xe9.png" in done.stdout, b"Traceback" in done.stderr) == (0, True, False)


def test_what_folders_hold_beside_photos_is_counted(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    (photo_folder / "notes.txt").touch()
    (photo_folder / "b.psd").touch()
    (photo_folder / ".hidden").touch()
    (photo_folder / "linked").symlink_to(tmp_path)
    done = cli("dehaze", photo_folder, "--out", tmp_path / "out", "--json")
    assert done.code == 0
    reports, summary = json_lines(done)
    left_out = {Path(line["input"]).name: line["message"] for line in reports if line["status"] == "left out"}
    assert summary["left_out"] == 3
    assert left_out == {
        "notes.txt": ".txt of no known kind",
        "b.psd": ".psd of no known kind",
        "linked": "linked folder",
    }
    assert "left out: 1 .psd of no known kind, 1 .txt of no known kind, 1 linked folder" in done.err


def test_what_results_cannot_hold_is_said_once(cli: Cli, tmp_path: Path, photo: np.ndarray) -> None:
    (tmp_path / "in").mkdir()
    for name in "abc":
        Image.fromarray(np.dstack([photo, photo[..., 0]])).save(tmp_path / f"in/{name}.png")
    done = cli("dehaze", tmp_path / "in", "--out", tmp_path / "out", "--format", "jpg", "--json")
    assert done.err.count("transparency") == 1
    assert [len(report["left_out"]) for report in json_lines(done)[0]] == [1, 1, 1]


def test_times_and_metadata(cli: Cli, tmp_path: Path, photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x013B] = "me"
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif)
    os.utime(tmp_path / "a.jpg", ns=(10**18, 10**18))
    cli("dehaze", tmp_path / "a.jpg", "--out", tmp_path / "kept.jpg", "--preserve-times")
    cli("dehaze", tmp_path / "a.jpg", "--out", tmp_path / "bare.jpg", "--strip-metadata")
    assert (tmp_path / "kept.jpg").stat().st_mtime_ns == 10**18
    assert read_picture(tmp_path / "kept.jpg").metadata.exif is not None
    assert read_picture(tmp_path / "bare.jpg").metadata.exif is None
    assert cli("dehaze", tmp_path / "a.jpg", "--out", tmp_path / "x.jpg", "--quality", "101").code == 2
    assert "--max-pixels" in cli("dehaze", tmp_path / "a.jpg", "--out", tmp_path / "x.jpg", "--max-pixels", 9).err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_batch_that_is_stopped_leaves_nothing_half_written(tmp_path: Path, number: int) -> None:
    (tmp_path / "in").mkdir()
    big = Image.fromarray(np.random.default_rng(1).integers(0, 256, (1500, 2000, 3)).astype(np.uint8))
    for name in range(8):
        big.save(tmp_path / f"in/{name}.png", compress_level=0)
    command = [sys.executable, "-m", "claritygan_cli", "dehaze", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list((tmp_path / "out").glob("*.png")):
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait() == 128 + number
    assert not list((tmp_path / "out").glob(".*.part"))
    for name in results_in(tmp_path / "out"):
        read_picture(tmp_path / "out" / name)
