import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome, json_lines, results_in
from tests.videos import frames_of, make_video, scene, times_of

Cli = Callable[..., Outcome]
Make = Callable[[str], Path]


class Standard:
    """A standard stream with its bytes."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BytesIO(data)


def test_folders_mix_photos_and_videos(cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make) -> None:
    make_video(photo_folder / "ride.mp4")
    make_video(photo_folder / "sub/old.ts", codec="mpeg2video")
    (photo_folder / "text.mov").write_text("no video")
    frames = [Image.fromarray(scene(i, 32, 24)) for i in range(3)]
    frames[0].save(photo_folder / "moving.gif", save_all=True, append_images=frames[1:], duration=40)
    frames[0].save(photo_folder / "still.gif")
    for command in ("dehaze", "hazify"):
        out = tmp_path / command
        done = cli(command, photo_folder, "--out", out, "--model", tiny_model(command), "--json")
        assert done.code == 1
        assert results_in(out) == {"a.png", "moving.gif", "ride.mp4", "still.png", "sub/b.png", "sub/old.mp4"}
        assert {Path(r["input"]).name: r.get("frames") for r in json_lines(done)[0]} == {
            "a.png": None,
            "moving.gif": 3,
            "ride.mp4": 12,
            "still.gif": None,
            "text.mov": None,
            "b.png": None,
            "old.ts": 12,
        }
        assert done.err.count("text.mov: no video that can be read") == 1
        assert "6 done, 1 failed" in done.err
        assert "27 frames" in done.err
        assert len(times_of(out / "ride.mp4")) == 12


def test_single_videos_and_wrong_names(cli: Cli, photo_folder: Path, tmp_path: Path, tiny_model: Make) -> None:
    video, model = make_video(tmp_path / "in.mp4"), ("--model", tiny_model("dehaze"))
    assert cli("dehaze", video, "--out", tmp_path / "clear.webm", "--max-frames", 2, *model).code == 0
    assert len(times_of(tmp_path / "clear.webm")) == 2
    again = cli("dehaze", video, "--out", tmp_path / "clear.webm", *model)
    assert (again.code, "1 skipped" in again.err) == (0, True)
    for source, target in ((video, "x.png"), (photo_folder / "a.png", "x.mp4")):
        done = cli("dehaze", source, "--out", tmp_path / target, *model)
        assert (done.code, "the result's name that of a" in done.err) == (2, True)
    assert cli("dehaze", video, "--out", video, *model).code == 2
    done = cli("dehaze", video, "--out", tmp_path / "y.webm", "--codec", "h264", *model)
    assert (done.code, "choose av1 or vp9" in done.err) == (2, True)
    done = cli("dehaze", video, "--out", tmp_path / "y.mp4", "--pixel-format", "nonsense", *model)
    assert (done.code, "--pixel-format nonsense: unknown" in done.err) == (2, True)
    done = cli("dehaze", video, "--out", tmp_path / "y.mpg", *model)
    assert (done.code, "read, not written; choose .mp4" in done.err) == (2, True)
    done = cli("dehaze", video, "--out", "-", *model)
    assert (done.code, "in.mp4: a video" in done.err) == (2, True)
    assert not (tmp_path / "y.webm").exists()


def test_truncated_videos(cli: Cli, tmp_path: Path, tiny_model: Make) -> None:
    whole = make_video(tmp_path / "whole.mkv", range(200), options={"g": "10"}).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    common = ("dehaze", tmp_path / "cut.mkv", "--model", tiny_model("dehaze"))
    done = cli(*common, "--out", tmp_path / "out.mkv")
    assert (done.code, "s could be read" in done.err) == (1, True)
    assert 50 < len(times_of(tmp_path / "out.mkv")) < 150
    done = cli(*common, "--out", tmp_path / "strict.mkv", "--strict")
    assert (done.code, "nothing of it is kept" in done.err) == (1, True)
    assert not (tmp_path / "strict.mkv").exists()


def test_pipes(cli: Cli, monkeypatch: pytest.MonkeyPatch, tiny_model: Make) -> None:
    raw = scene(0, 40, 30).tobytes() * 3
    y4m = b"YUV4MPEG2 W4 H4 C444\n" + (b"FRAME\n" + bytes(48)) * 2
    for data, options, size in ((raw, ("--raw", "40x30"), len(raw)), (y4m, (), len(y4m))):
        target = Standard()
        monkeypatch.setattr(sys, "stdin", Standard(data))
        with monkeypatch.context() as patch:
            patch.setattr("claritygan_cli.cli.pipe_command.sys.stdout", target)
            done = cli("dehaze", "-", "--out", "-", "--model", tiny_model("dehaze"), *options)
        assert (done.code, done.err) == (0, "")
        assert len(target.buffer.getvalue()) == size
    monkeypatch.setattr(sys, "stdin", Standard(raw))
    done = cli("dehaze", "-", "--out", "-", "--raw", "40x30", "--max-frames", 1)
    assert (done.code, "--max-frames: " in done.err) == (2, True)
    for wrong in (("dehaze", "x.mp4", "--out", "out", "--raw", "4x4"), ("dehaze", "-", "--out", "o", "--raw", "4x4")):
        done = cli(*wrong)
        assert (done.code, "stdin" in done.err) == (2, True)


def test_videos_are_scored_frame_by_frame(cli: Cli, tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mkv", range(5), pixel_format="yuv444p", options={"qp": "0"}, tags=(1, 1, 1, 1))
    done = cli("eval", "--pred", video, "--gt", video, "--csv", tmp_path / "s.csv")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1].split()[:4] == ["mean", "of", "5", "100.00"]
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 6
    (tmp_path / "frames").mkdir()
    for i in range(5):
        Image.fromarray(scene(i, 64, 48)).save(tmp_path / f"frames/{i:03}.png")
    done = cli("eval", "--pred", video, "--gt", tmp_path / "frames", "--json")
    report = json.loads(done.out)
    expected = [
        10 * np.log10(255**2 / ((a.astype(float) - scene(i, 64, 48)) ** 2).mean())
        for i, a in enumerate(frames_of(video))
    ]
    assert [v["psnr"] for v in report["pictures"].values()] == pytest.approx(expected, abs=0.01)
    assert min(expected) > 40
    (tmp_path / "frames/004.png").unlink()
    done = cli("eval", "--pred", video, "--gt", tmp_path / "frames")
    assert (done.code, "has 4 frames" in done.err) == (1, True)
