import gc
import threading
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from tests.videos import frames_of, make_video, packets_of, scene, times_of

from claritygan_cli.batch.options import VideoOptions
from claritygan_cli.batch.prefetch import prefetch
from claritygan_cli.batch.video import VideoResult, translate_video
from claritygan_cli.engine.amounts import RemoveHaze
from claritygan_cli.errors import ImageError, UsageError
from claritygan_cli.media.containers import read_gif
from claritygan_cli.media.hdr import Hdr
from claritygan_cli.media.video_formats import Encoding
from claritygan_cli.media.video_frames import plane_arrays
from claritygan_cli.media.video_reader import VideoReader
from claritygan_cli.media.video_writer import VideoWriter
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.video_translator import VideoTranslator
from claritygan_cli.models.weights import load_model

Video = Callable[..., VideoResult]
IRREGULAR = (0, 40, 70, 160, 170, 333, 400, 480, 1000, 1010)
MILLI = Fraction(1, 1000)


@pytest.fixture
def video(tiny_model: Callable[[str], Path]) -> Video:
    """Translates a video with a tiny model; with strength 0, all samples stay as they are."""
    generator, _ = load_model(tiny_model("dehaze"))

    def run(source: Path, target: Path, options: VideoOptions | None = None, strength: float = 0.0) -> VideoResult:
        options = options or VideoOptions()
        translator = VideoTranslator(
            ImageTranslator(generator, torch.device("cpu")), options.temporal, RemoveHaze(strength)
        )
        return translate_video(source, target, translator, options)

    return run


def lossless(codec: str = "h264") -> VideoOptions:
    return VideoOptions(codec, crf=0, preset="ultrafast")


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "m4v"])
def test_variable_time_stamps_are_kept(tmp_path: Path, video: Video, ending: str) -> None:
    source = make_video(tmp_path / "in.mkv", IRREGULAR, time_base=MILLI)
    result = video(source, tmp_path / f"out.{ending}")
    assert (result.frames, result.problems, result.notes) == (10, (), ())
    assert times_of(tmp_path / f"out.{ending}") == times_of(source)


@pytest.mark.parametrize("ending", ["avi", "gif"])
def test_fixed_rates_are_kept(tmp_path: Path, video: Video, ending: str) -> None:
    source = make_video(tmp_path / "in.mp4")
    video(source, tmp_path / f"out.{ending}")
    again = tmp_path / "again.mp4"
    video(tmp_path / f"out.{ending}", again)
    assert len(times_of(again)) == 12
    gaps = np.diff([float(t) for t in times_of(again)])
    np.testing.assert_allclose(gaps, 0.04, atol=1e-6)
    assert np.abs(frames_of(again)[5].astype(int) - frames_of(source)[5]).mean() < 8


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le"])
def test_samples_are_untouched_where_nothing_is_to_be_done(tmp_path: Path, video: Video, pixel_format: str) -> None:
    source = make_video(tmp_path / "in.mkv", pixel_format=pixel_format, options={"qp": "0"})
    video(
        source,
        tmp_path / "out.mkv",
        VideoOptions("h264", 0) if "10" not in pixel_format else None,
    )
    with VideoReader(source) as before, VideoReader(tmp_path / "out.mkv") as after:
        assert after.coded_as == before.coded_as == pixel_format
        pairs = zip(before.pieces(), after.pieces(), strict=True)
        worst = max(
            int(np.abs(a.astype(int) - b).max())
            for one, two in pairs
            for a, b in zip(plane_arrays(one), plane_arrays(two), strict=True)
        )
    assert worst <= (80 if "10" in pixel_format else 0)  # 10 bits are coded at the default quality


def test_hazy_samples_are_changed_as_in_photos(tmp_path: Path, video: Video, tiny_model: Callable[[str], Path]) -> None:
    pictures = [scene(0, 96, 64)] * 2
    tags = (1, 1, 1, 1)
    source = make_video(
        tmp_path / "in.mkv", (0, 1), (96, 64), pixel_format="yuv444p", frames=pictures, options={"qp": "0"}, tags=tags
    )
    video(source, tmp_path / "out.mkv", VideoOptions("h264", 0, temporal=0), strength=1.0)
    generator, _ = load_model(tiny_model("dehaze"))
    expected = ImageTranslator(generator, torch.device("cpu"))(frames_of(source)[0])
    found = frames_of(tmp_path / "out.mkv")[1]
    assert np.abs(expected.astype(int) - pictures[0]).mean() > 10
    assert np.abs(expected.astype(int) - found).mean() < 2.5  # their guides weigh red, green and blue differently


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9", "av1", "prores"])
def test_codecs_and_odd_sizes(tmp_path: Path, video: Video, codec: str) -> None:
    source = make_video(tmp_path / "in.mkv", range(3), (75, 67), codec="ffv1")
    video(source, tmp_path / "out.mkv", VideoOptions(codec))
    with av.open(str(tmp_path / "out.mkv")) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.width, video.height) == (
            {"av1": "libdav1d"}.get(codec, codec),
            75,
            67,
        )
    assert len(frames_of(tmp_path / "out.mkv")) == 3


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_ten_bits_stay_ten(tmp_path: Path, video: Video, codec: str) -> None:
    source = make_video(tmp_path / "in.mkv", range(3), pixel_format="yuv420p10le")
    video(source, tmp_path / "out.mkv", VideoOptions(codec))
    with VideoReader(tmp_path / "out.mkv") as result:
        assert result.coded_as == "yuv420p10le"


def test_what_a_video_says_of_itself_is_kept(tmp_path: Path, video: Video) -> None:
    chapter = {"id": 1, "start": 0, "end": 200, "time_base": MILLI, "metadata": {"title": "first"}}
    source = make_video(
        tmp_path / "in.mp4",
        rotation=90,
        tags=(9, 2, 9, 16),
        shape_of_pixels=Fraction(4, 3),
        metadata={"title": "a ride"},
        chapters=[chapter],
        pixel_format="yuv420p",
    )
    video(source, tmp_path / "out.mp4")
    with VideoReader(source) as before, VideoReader(tmp_path / "out.mp4") as after:
        assert before.rotation == after.rotation == 90
        assert before.tags == after.tags == (9, 2, 9, 16)
        assert after.video.sample_aspect_ratio == Fraction(4, 3)
        assert after.container.metadata["title"] == "a ride"
        assert [c["metadata"]["title"] for c in after.container.chapters()] == ["first"]


COLOURS = [Fraction(n, 50000) for n in (34000, 16000, 13250, 34500, 7500, 3000, 15635, 16450)]
HDR = Hdr((*COLOURS, Fraction(50, 10000), Fraction(1000)), (1000, 400))


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
@pytest.mark.parametrize("hdr", [HDR, Hdr(HDR.display, None), Hdr(None, HDR.light)])
def test_hdr_metadata_is_kept(tmp_path: Path, video: Video, codec: str, hdr: Hdr) -> None:
    source = make_video(
        tmp_path / "in.mkv", pixel_format="yuv420p10le", tags=(9, 1, 9, 16), options=hdr.options("h264"), size=(64, 64)
    )
    assert video(source, tmp_path / "out.mp4", VideoOptions(codec)).notes == ()
    with VideoReader(tmp_path / "out.mp4") as after:
        assert after.hdr is not None
        assert after.hdr.light == hdr.light
        found, told = after.hdr.display or (), hdr.display or ()
        assert [float(v) for v in found] == pytest.approx([float(v) for v in told], abs=1e-4)


def test_codecs_without_hdr_metadata_say_so(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mkv", pixel_format="yuv420p10le", options=HDR.options("h264"))
    result = video(source, tmp_path / "out.webm")
    assert "left out: HDR10 metadata, which vp9 cannot carry here" in result.notes
    with VideoReader(make_video(tmp_path / "plain.mp4")) as plain:
        assert plain.hdr is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (VideoOptions(), [("a", 0, 1000), ("b", 1000, 2400), ("c", 2400, 3000)]),
        (VideoOptions(start=1.4), [("b", 0, 1000), ("c", 1000, 1600)]),
        (VideoOptions(end=1.4), [("a", 0, 1000), ("b", 1000, 1400)]),
        (VideoOptions(start=0.4, max_frames=10), [("a", 0, 400)]),
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_chapters_are_cut_as_the_video_is(
    tmp_path: Path, video: Video, options: VideoOptions, expected: list[tuple[str, int, int]], ending: str
) -> None:
    times = [("a", 0, 1000), ("b", 1000, 2400), ("c", 2400, 3000)]
    chapters = [
        {"id": i, "start": start, "end": end, "time_base": MILLI, "metadata": {"title": title}}
        for i, (title, start, end) in enumerate(times, 1)
    ]
    source = make_video(tmp_path / "in.mp4", range(75), size=(32, 32), chapters=chapters)
    video(source, tmp_path / f"out.{ending}", options)
    with av.open(str(tmp_path / f"out.{ending}")) as container:
        kept = [
            (c["metadata"]["title"], *(round(c[side] * c["time_base"] * 1000) for side in ("start", "end")))
            for c in container.chapters()
        ]
    assert kept == expected


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_sound_ends_with_the_last_frame_wanted(tmp_path: Path, video: Video, ending: str) -> None:
    source = make_video(tmp_path / "in.mkv", range(100), size=(32, 32), audio=("aac", "aac"))
    video(source, tmp_path / f"out.{ending}", VideoOptions(start=1.0, max_frames=25))
    assert len(times_of(tmp_path / f"out.{ending}")) == 25
    for track in (0, 1):
        sound = packets_of(tmp_path / f"out.{ending}", track=track)
        assert len(sound) == pytest.approx(48000 / 1024, abs=4)
        assert b"".join(sound) in b"".join(packets_of(source, track=track))


def test_every_audio_track_is_copied_bit_by_bit(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mp4", range(25), audio=("aac", "aac"))
    video(source, tmp_path / "out.mov")
    for track in (0, 1):
        assert packets_of(tmp_path / "out.mov", track=track) == packets_of(source, track=track)
    assert packets_of(source, track=0) != packets_of(source, track=1)


@pytest.mark.parametrize("codec", ["mp3", "ac3", "libopus", "flac"])
def test_sound_is_known_by_its_coding_and_not_its_decoder(tmp_path: Path, video: Video, codec: str) -> None:
    source = make_video(tmp_path / "in.mkv", range(25), audio=(codec,))
    assert video(source, tmp_path / "out.mp4").notes == ()
    assert packets_of(tmp_path / "out.mp4") == packets_of(source)


@pytest.mark.parametrize(("ending", "codec"), [("webm", "opus"), ("mp4", "aac")])
def test_audio_is_encoded_anew_where_a_container_cannot_hold_it(
    tmp_path: Path, video: Video, ending: str, codec: str
) -> None:
    source = make_video(tmp_path / "in.avi", range(25), audio=("wmav2",), options={"bf": "0"})
    video(source, tmp_path / f"out.{ending}")
    with av.open(str(tmp_path / f"out.{ending}")) as container:
        assert container.streams.audio[0].codec_context.name == codec
        sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    assert abs(sound.shape[1] / 48000 - 1) < 0.1
    spectrum = np.abs(np.fft.rfft(sound[0, 4800:38400]))
    assert abs(np.argmax(spectrum) * 48000 / 33600 - 220) < 5


def test_what_cannot_be_kept_is_said(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mp4", audio=("aac",))
    assert video(source, tmp_path / "out.gif").notes == ("left out: audio (aac), which .gif files cannot hold",)


def test_parts(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mp4", range(75), audio=("aac",), options={"g": "10"})
    all_frames = frames_of(source)
    options = VideoOptions("h264", 0, start=1.0, end=2.0)
    assert video(source, tmp_path / "middle.mp4", options).frames == 25
    assert times_of(tmp_path / "middle.mp4") == [Fraction(i, 25) for i in range(25)]
    for ours, theirs in zip(frames_of(tmp_path / "middle.mp4"), all_frames[25:50], strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= 2
    with av.open(str(tmp_path / "middle.mp4")) as container:
        assert 0.85 < sum(f.samples for f in container.decode(audio=0)) / 48000 < 1.15
    assert video(source, tmp_path / "start.mp4", VideoOptions(max_frames=7)).frames == 7
    assert times_of(tmp_path / "start.mp4") == times_of(source)[:7]


@pytest.mark.parametrize(
    ("start", "numbers", "times"),
    [
        (0.0, [0, 1, 2, 3], [0, 5, 9, 10]),
        (3.0, [0, 1, 2, 3], [0, 2, 6, 7]),
        (4.98, [1, 2, 3], [0.02, 4.02, 5.02]),
        (5.0, [1, 2, 3], [0, 4, 5]),
        (9.5, [2, 3], [0, 0.5]),
    ],
)
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_part_begins_with_the_frame_that_is_on_show(
    tmp_path: Path, video: Video, start: float, numbers: list[int], times: list[float], ending: str
) -> None:
    source = make_video(tmp_path / f"in.{ending}", [0, 5000, 9000, 10000], time_base=MILLI, options={"g": "2"})
    video(source, tmp_path / "out.mp4", VideoOptions("h264", 0, start=start))
    assert [float(t) for t in times_of(tmp_path / "out.mp4")] == pytest.approx(times, abs=2e-3)
    shown = frames_of(source)
    for frame, number in zip(frames_of(tmp_path / "out.mp4"), numbers, strict=True):
        assert np.abs(frame.astype(int) - shown[number]).max() <= 2


@pytest.mark.parametrize("start", [0.2, 0.24])
def test_parts_of_avi_begin_at_zero(tmp_path: Path, start: float) -> None:
    tenth = Fraction(1, 10)
    source = make_video(tmp_path / "in.avi", range(12), rate=1 / tenth, time_base=tenth, options={"bf": "0"})
    shown = frames_of(source)
    with VideoReader(source, start=start) as reader:
        pieces = [piece for piece in reader.pieces() if isinstance(piece, av.VideoFrame)]
    assert [frame.pts for frame in pieces] == list(range(10))
    assert np.array_equal(pieces[0].to_ndarray(format="rgb24"), shown[2])


def test_a_part_may_lie_within_the_last_frame(tmp_path: Path, video: Video) -> None:
    source, still = make_video(tmp_path / "in.mp4", [0], time_base=MILLI), tmp_path / "still.mp4"
    with av.open(str(source)) as before, av.open(str(still), "w") as after:
        copy = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.size:
                packet.duration = round(10 / packet.time_base)
                packet.stream = copy
                after.mux(packet)
    assert video(still, tmp_path / "out.mp4", VideoOptions(start=7.0)).frames == 1
    with pytest.raises(ImageError, match="no frames behind second 11"):
        video(still, tmp_path / "none.mp4", VideoOptions(start=11.0))


def test_truncated_videos_yield_what_there_is(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mp4", range(100), options={"g": "10"})
    with av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as out, av.open(str(source)) as c:
        stream = out.add_stream_from_template(c.streams.video[0])
        for packet in c.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = (tmp_path / "fast.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 6 // 10])
    result = video(tmp_path / "cut.mp4", tmp_path / "out.mp4")
    assert 20 < result.frames < 95
    assert any("of 4.0 s could be read" in problem for problem in result.problems)
    assert len(frames_of(tmp_path / "out.mp4")) == result.frames
    with pytest.raises(ImageError, match=r"cut\.mp4.*nothing of it is kept"):
        video(tmp_path / "cut.mp4", tmp_path / "strict.mp4", VideoOptions(strict=True))
    assert not list(tmp_path.glob("*strict*"))


def test_damaged_frames_in_the_middle(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mkv", range(50), options={"g": "5"}, size=(128, 96))
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    (tmp_path / "bad.mkv").write_bytes(data)
    result = video(tmp_path / "bad.mkv", tmp_path / "out.mkv")
    assert result.problems
    assert 30 <= result.frames <= 50
    times = times_of(tmp_path / "out.mkv")
    assert times == sorted(set(times))


def test_videos_that_are_none(tmp_path: Path, video: Video) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(ImageError, match=r"text\.mp4: no video that can be read"):
        video(tmp_path / "text.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        track = container.add_stream("aac", rate=48000, layout="stereo")
        sound = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        sound.sample_rate = 48000
        container.mux(track.encode(sound))
        container.mux(track.encode(None))
    with pytest.raises(ImageError, match=r"sound\.mp4: holds no video"):
        video(tmp_path / "sound.mp4", tmp_path / "out.mp4")
    source = make_video(tmp_path / "in.mkv", range(5))
    head = source.read_bytes()
    (tmp_path / "none.mkv").write_bytes(head[: head.index(b"\x1f\x43\xb6\x75")])  # up to the first cluster
    with pytest.raises(ImageError, match=r"none\.mkv"):
        video(tmp_path / "none.mkv", tmp_path / "out.mp4")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize(
    ("ending", "options", "words"),
    [
        ("webm", VideoOptions("h264"), "codec h264: .webm files cannot hold it; choose av1 or vp9"),
        ("mp4", VideoOptions("prores"), "choose"),
        ("mov", VideoOptions("prores", crf=3), "crf 3"),
        ("mov", VideoOptions("prores", preset="fast"), "preset fast"),
    ],
)
def test_wrong_requests_say_what_to_choose(
    tmp_path: Path, video: Video, ending: str, options: VideoOptions, words: str
) -> None:
    source = make_video(tmp_path / "in.mp4", range(2))
    with pytest.raises(UsageError, match=words):
        video(source, tmp_path / f"out.{ending}", options)
    assert not list(tmp_path.glob("*out*"))


def test_refused_settings_of_the_encoder(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mp4", range(2))
    with pytest.raises(ImageError, match="try another preset"):
        video(source, tmp_path / "out.mp4", VideoOptions(preset="nonsense"))
    with pytest.raises(ImageError, match="cannot be yuv410p here; try yuv420p"):
        video(source, tmp_path / "out.mp4", VideoOptions(pixel_format="yuv410p"))
    assert not list(tmp_path.glob("*out*"))


def test_options_are_checked() -> None:
    with pytest.raises(UsageError, match="end 1: must lie behind the start, 2"):
        VideoOptions(start=2.0, end=1.0)
    with pytest.raises(UsageError, match="temporal"):
        VideoOptions(temporal=2.0)


def test_interruption_leaves_nothing(tmp_path: Path, video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "in.mp4", range(30))
    calls: list[int] = []

    def interrupt(self: VideoTranslator, *_: object) -> None:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(VideoTranslator, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        video(source, tmp_path / "out.mp4")
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == []


def test_ahead_is_bounded_ordered_and_stops() -> None:
    made: list[int] = []

    def numbers() -> object:
        for i in range(1000):
            made.append(i)
            yield i

    before = threading.active_count()
    items = prefetch(numbers(), 3)  # type: ignore[arg-type]
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(made) <= 5 + 3 + 2
    items.close()  # type: ignore[attr-defined]
    gc.collect()
    assert threading.active_count() == before

    def breaks() -> object:
        yield 1
        raise ImageError("broken")

    items = prefetch(breaks(), 2)  # type: ignore[arg-type]
    assert next(items) == 1
    with pytest.raises(ImageError, match="broken"):
        next(items)


def test_subtitles_are_copied_where_they_can_be(tmp_path: Path, video: Video) -> None:
    (tmp_path / "words.srt").write_text(
        "1\n00:00:00,200 --> 00:00:00,900\nfog\n\n2\n00:00:01,000 --> 00:00:01,500\nlifts\n"
    )
    plain = make_video(tmp_path / "plain.mkv", range(50), options={"bf": "0"})
    source = tmp_path / "in.mkv"
    with (
        av.open(str(plain)) as frames,
        av.open(str(tmp_path / "words.srt")) as words,
        av.open(str(source), "w") as container,
    ):
        streams = (frames.streams.video[0], words.streams.subtitles[0])
        copies = [container.add_stream_from_template(stream) for stream in streams]
        for stream, copy in zip(streams, copies, strict=True):
            for packet in stream.container.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    container.mux(packet)
    assert video(source, tmp_path / "out.mkv").notes == ()
    assert packets_of(tmp_path / "out.mkv", "subtitle") == packets_of(source, "subtitle") == [b"fog", b"lifts"]
    (note,) = video(source, tmp_path / "out.mp4").notes
    assert note == "left out: subtitle (subrip), which .mp4 files cannot hold"


def test_the_end_waits_for_frames_that_are_still_decoded(tmp_path: Path, video: Video) -> None:
    source = make_video(
        tmp_path / "in.mp4", range(0, 40, 4), time_base=Fraction(1), audio=("aac",), options={"bf": "2"}
    )
    result = video(source, tmp_path / "out.mp4", VideoOptions(end=16.0))
    assert (result.frames, result.problems) == (4, ())


def test_transport_streams_begin_anywhere(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.ts", range(90), options={"g": "40"})
    assert video(source, tmp_path / "out.mp4", VideoOptions(start=0.6)).frames == 75


def test_trimmed_videos_are_not_damaged(tmp_path: Path, video: Video) -> None:
    source, trimmed = make_video(tmp_path / "in.mp4", range(60), options={"g": "12", "bf": "0"}), tmp_path / "trim.mp4"
    with av.open(str(source)) as before, av.open(str(trimmed), "w") as after:
        copy = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                packet.pts, packet.dts = packet.pts - 12800, packet.dts - 12800  # a second earlier: an edit list
                after.mux(packet)
    assert video(trimmed, tmp_path / "out.mp4").problems == ()
    slow = make_video(tmp_path / "slow.mkv", (0, 4), time_base=Fraction(1))
    assert video(slow, tmp_path / "slow.mp4").problems == ()


@pytest.mark.parametrize(("ending", "audio"), [("mov", "flac"), ("mov", "libopus"), ("mp4", "pcm_s16le")])
def test_sound_that_containers_refuse_in_the_end(tmp_path: Path, video: Video, ending: str, audio: str) -> None:
    source = make_video(tmp_path / "in.mkv", range(25), audio=(audio,))
    video(source, tmp_path / f"out.{ending}")
    with av.open(str(tmp_path / f"out.{ending}")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


def test_videos_whose_size_changes_are_kept_up_to_there(tmp_path: Path, video: Video) -> None:
    parts = [make_video(tmp_path / f"{w}.ts", range(10), (w, 48), options={"bf": "0"}) for w in (64, 80)]
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    result = video(tmp_path / "in.ts", tmp_path / "out.mp4")
    assert result.frames == 10
    assert "change their size to 80x48" in result.problems[0]


def test_full_range_rgb_and_prores(tmp_path: Path, video: Video) -> None:
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], (48, 1, 3))
    source = make_video(tmp_path / "in.mkv", range(2), codec="libx264rgb", pixel_format="rgb24", frames=[ramp] * 2)
    video(source, tmp_path / "out.mkv", VideoOptions(crf=1))
    with VideoReader(tmp_path / "out.mkv") as result:
        luma = plane_arrays(next(p for p in result.pieces() if isinstance(p, av.VideoFrame)))[0]
        assert (result.tags[1], int(luma.min()) // 4, int(luma.max()) // 4) == (1, 4, 57)
    whole = make_video(tmp_path / "full.mp4", range(2), pixel_format="yuvj420p", frames=[ramp] * 2, tags=(1, 2, 1, 1))
    video(whole, tmp_path / "out.mov", VideoOptions("prores"))
    assert abs(float(frames_of(tmp_path / "out.mov")[0].mean()) - float(frames_of(whole)[0].mean())) < 4


def test_sound_that_starts_with_the_picture_still_does_in_avi(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.ts", range(25), audio=("mp2",))  # begins at 1.4 s
    video(source, tmp_path / "out.avi")
    with av.open(str(tmp_path / "out.avi")) as container:
        firsts = {
            p.stream.type: float(p.dts * p.time_base) for p in reversed(list(container.demux())) if p.dts is not None
        }
    assert abs(firsts["video"] - firsts["audio"]) < 0.1
    assert video(tmp_path / "out.avi", tmp_path / "again.mp4").problems == ()


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
def test_threads_reach_decoder_and_encoder(tmp_path: Path, codec: str) -> None:
    source = make_video(tmp_path / "in.mkv", range(3))
    with VideoReader(source, threads=1) as reader:
        assert reader.video.codec_context.thread_count == 1
        with VideoWriter(tmp_path / "out.mkv", ".mkv", reader, Encoding(codec, threads=1)) as writer:
            assert writer.stream.codec_context.thread_count == 1
            for piece in reader.pieces():
                if isinstance(piece, av.VideoFrame):
                    writer.frame(piece)
    assert len(times_of(tmp_path / "out.mkv")) == 3
    named = {"hevc": "pools=1", "av1": "lp=1"}
    assert named.get(codec, "") in " ".join(Encoding(codec, threads=1).options(codec).values())


def test_a_name_is_a_file_and_nothing_else(tmp_path: Path, video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    make_video(tmp_path / "in.mp4", range(2)).rename(tmp_path / "10:30 ride.mp4")
    monkeypatch.chdir(tmp_path)
    assert video(Path("10:30 ride.mp4"), Path("http: out.mp4")).frames == 2
    assert (tmp_path / "http: out.mp4").is_file()
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(ImageError, match=r"no video that can be read|no frames"):
        video(Path("list.mp4"), Path("out.mp4"))


def joined(tmp_path: Path, offset: str = "0") -> Path:
    """A transport stream whose clock starts anew in the middle; its sound is a little longer than its picture."""
    part = tmp_path / "part.ts"
    with av.open(str(part), "w", container_options={"output_ts_offset": offset}) as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        track: Any = container.add_stream("aac", rate=48000, layout="mono")
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(scene(number, 64, 48), format="rgb24").reformat(format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for block in range(50):
            tone = np.sin(np.arange(1024) / 9).astype(np.float32)[None]
            sound = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 48000, block * 1024, Fraction(1, 48000)
            container.mux(track.encode(sound))
        container.mux(track.encode(None))
    (tmp_path / "joined.ts").write_bytes(2 * part.read_bytes())
    return tmp_path / "joined.ts"


@pytest.mark.parametrize("offset", ["0", "50000", "95443"])  # the last one overflows 33 bits on the way
def test_broadcasts_start_at_zero_and_go_on(tmp_path: Path, video: Video, offset: str) -> None:
    source = joined(tmp_path, offset)
    for path, count in ((tmp_path / "part.ts", 25), (source, 50)):
        result = video(path, tmp_path / "out.mp4")
        assert (result.frames, result.problems, result.notes) == (count, (), ())
        assert len(packets_of(tmp_path / "out.mp4")) == len(packets_of(path))
        times = times_of(tmp_path / "out.mp4")
        assert times[0] < Fraction(1, 10)
        steps = {b - a for a, b in pairwise(times)}
        assert max(steps) <= Fraction(3, 25)
        assert min(steps) >= Fraction(1, 50)


@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (0, 1, 1, 0), (0, -1, -1, 0), (1, 0, 0, -1)])
def test_mirrors_are_kept(tmp_path: Path, video: Video, matrix: tuple[int, int, int, int]) -> None:
    a, b, c, d = (value << 16 for value in matrix)
    whole = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_matrix(whole)
        frame = av.VideoFrame.from_ndarray(scene(0, 64, 48), format="rgb24").reformat(format="yuv420p")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    video(tmp_path / "in.mp4", tmp_path / "out.mp4")
    with VideoReader(tmp_path / "in.mp4") as source, VideoReader(tmp_path / "out.mp4") as result:
        assert source.matrix is not None
        assert source.matrix[:5] == whole[:5]
        assert result.matrix == source.matrix
        expected = {(-1, 0, 0, 1): 0, (0, 1, 1, 0): -90, (0, -1, -1, 0): 90, (1, 0, 0, -1): 180}[matrix]
        assert (source.rotation - expected) % 360 == 0


@pytest.mark.parametrize("ending", ["mkv", "webm", "gif"])
def test_a_hole_in_the_middle_is_noticed(tmp_path: Path, video: Video, ending: str) -> None:
    codec, form = {"mkv": ("libx264", "yuv420p"), "webm": ("libvpx-vp9", "yuv420p"), "gif": ("gif", "rgb8")}[ending]
    options = {"g": "10"} if ending == "mkv" else None
    source = make_video(tmp_path / f"in.{ending}", range(60), codec=codec, pixel_format=form, options=options)
    assert video(source, tmp_path / f"whole.{ending}").problems == ()
    data = bytearray(source.read_bytes())
    del data[int(len(data) * 0.4) : int(len(data) * 0.5)]
    source.write_bytes(data)
    assert any("damaged" in problem for problem in video(source, tmp_path / f"out.{ending}").problems)
    with pytest.raises(ImageError, match="damaged"):
        video(source, tmp_path / f"strict.{ending}", VideoOptions(strict=True))
    assert not (tmp_path / f"strict.{ending}").exists()


def test_what_stands_behind_a_matroska_video_is_no_damage(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.mkv", range(10))
    source.write_bytes(source.read_bytes() + bytes(5000))
    assert video(source, tmp_path / "out.mkv").problems == ()


def test_gifs_loop_as_they_did(tmp_path: Path, video: Video) -> None:
    frames = [Image.fromarray(scene(number, 32, 24)) for number in range(3)]
    for loop in (None, 0, 5):
        extra = {} if loop is None else {"loop": loop}
        frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=[100, 100, 700], **extra)
        video(tmp_path / "in.gif", tmp_path / "out.gif")
        source, result = read_gif(tmp_path / "in.gif"), read_gif(tmp_path / "out.gif")
        assert (source.images, source.loop, source.damaged) == (3, loop, False)
        assert (result.loop, result.delay) == (loop, 70)


def test_subtitles_with_the_same_start_are_all_kept(tmp_path: Path, video: Video) -> None:
    lines = "1\n00:00:00,000 --> 00:00:00,400\nleft\n\n2\n00:00:00,000 --> 00:00:00,400\nright\n\n"
    (tmp_path / "s.srt").write_text(lines)
    make_video(tmp_path / "v.mkv", range(12))
    with (
        av.open(str(tmp_path / "s.srt")) as words,
        av.open(str(tmp_path / "v.mkv")) as source,
        av.open(str(tmp_path / "in.mkv"), "w") as container,
    ):
        copies = {s: container.add_stream_from_template(s) for s in (source.streams.video[0], words.streams[0])}
        for packet in [*words.demux(), *source.demux()]:
            if packet.size:
                packet.stream = copies[packet.stream]
                container.mux(packet)
    assert len(packets_of(tmp_path / "in.mkv", "subtitle")) == 2
    video(tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert packets_of(tmp_path / "out.mkv", "subtitle") == packets_of(tmp_path / "in.mkv", "subtitle")


def test_timecode_and_the_makers_keys_are_kept(tmp_path: Path, video: Video) -> None:
    key = {"com.apple.quicktime.make": "Apple", "title": "fog"}
    with av.open(str(tmp_path / "in.mov"), "w", container_options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update(key)
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["timecode"] = "09:19:47:10"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(scene(number, 64, 48), format="rgb24").reformat(format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert video(tmp_path / "in.mov", tmp_path / "out.mov").notes == ()
    with av.open(str(tmp_path / "out.mov")) as result:
        assert result.streams.video[0].metadata["timecode"] == "09:19:47:10"
        assert key.items() <= result.metadata.items()
    cut = video(tmp_path / "in.mov", tmp_path / "cut.mov", VideoOptions(start=0.04))
    assert any("timecode" in note for note in cut.notes)


def test_prores_of_full_range_has_the_same_colours(tmp_path: Path, video: Video) -> None:
    colour = np.full((48, 64, 3), (30, 180, 220), np.uint8)
    frame = av.VideoFrame.from_ndarray(colour, format="rgb24").reformat(
        format="yuv422p10le", dst_colorspace=1, dst_color_range=2
    )
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv422p10le"
        stream.codec_context.color_range, stream.codec_context.colorspace = 2, 1
        frame.color_range, frame.colorspace = 2, 1
        container.mux([*stream.encode(frame), *stream.encode(None)])
    video(tmp_path / "in.mkv", tmp_path / "out.mov", VideoOptions("prores"))
    (result,) = frames_of(tmp_path / "out.mov")
    assert np.abs(result.astype(int) - colour).max() <= 3


def test_avi_with_b_frames_keeps_its_rhythm(tmp_path: Path, video: Video) -> None:
    source = make_video(tmp_path / "in.avi", range(12), options={"bf": "3", "b_strategy": "0"})
    for ending in ("avi", "mp4"):
        video(source, tmp_path / f"out.{ending}")
        times = times_of(tmp_path / f"out.{ending}")
        assert {b - a for a, b in pairwise(times)} == {Fraction(1, 25)}
    assert times[0] == 0


def test_metadata_can_be_left_out(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", range(2), metadata={"title": "home", "location": "+48.8577+002.2950/"})
    with VideoReader(source) as reader, VideoWriter(tmp_path / "out.mp4", ".mp4", reader, Encoding(), False) as writer:
        for piece in reader.pieces():
            writer.frame(piece)
    with av.open(str(tmp_path / "out.mp4")) as result:
        assert not {"title", "location"} & result.metadata.keys()


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
def test_the_last_frame_stays_as_long(tmp_path: Path, video: Video, ending: str) -> None:
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(scene(number, 64, 48), format="rgb24").reformat(format="yuv420p")
            frame.pts = number
            for packet in stream.encode(frame):
                packet.duration = 50 if number == 4 else 1
                container.mux(packet)
        container.mux(stream.encode(None))
    video(tmp_path / "in.mkv", tmp_path / f"out.{ending}")
    with av.open(str(tmp_path / f"out.{ending}")) as result:
        last = [packet for packet in result.demux(video=0) if packet.size][-1]
        assert result.duration == pytest.approx(2_160_000, abs=50_000)
        assert float(last.pts * last.time_base) == pytest.approx(0.16, abs=0.002)
