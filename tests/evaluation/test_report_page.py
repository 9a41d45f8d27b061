"""The report page, in a browser where there is one."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from tests.conftest import Outcome
from tests.videos import make_video

from claritygan_cli.evaluation.report_page import MANY, Row, Thumbnails, page, write_page

Cli = Callable[..., Outcome]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Watched:
    """A page in the browser; nothing may go wrong in it, and nothing leave it."""

    def __init__(self, browser: Any) -> None:
        self.browser, self.said, self.asked = browser, list[str](), list[str]()

    def open(self, path: Path, width: int = 1280, scheme: str = "light") -> Any:
        context = self.browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        opened = context.new_page()
        opened.on("console", lambda message: self.said.append(message.text))
        opened.on("pageerror", lambda error: self.said.append(str(error)))
        opened.on("request", lambda request: self.asked.append(request.url))
        opened.goto(path.as_uri())
        return opened


@pytest.fixture
def watched() -> Iterator[Watched]:
    if BROWSER is None:
        pytest.skip("needs Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        known = Watched(browser)
        yield known
        browser.close()
    assert known.said == []
    assert all(url.startswith(("file:", "data:")) for url in known.asked), known.asked


def rows(count: int, thumbnail: Thumbnails) -> list[Row]:
    """Photos with scores from 10 dB upwards, in no order; every seventh failed."""
    photo = skimage.data.chelsea()
    result = []
    for i in range(count):
        number = i * 7919 % count
        if i % 7 == 6:
            result.append(Row(f"photo {number}.png", "failed", "<b>damaged</b>"))
            continue
        pictures = {"hazy": thumbnail(photo // 2 + 120), "dehazed": thumbnail(photo)}
        result.append(Row(f"photo {number}.png", "done", "", {"psnr": 10.0 + number, "haze": 0.5}, pictures))
    return result


def names(opened: Any) -> list[str]:
    return list(opened.locator("#rows tr td:first-child").all_inner_texts())


def test_sorting_filtering_and_the_slider(watched: Watched, tmp_path: Path) -> None:
    write_page(tmp_path / "r.html", "a title", "a note", rows(30, Thumbnails(60)))
    opened = watched.open(tmp_path / "r.html")
    assert opened.title() == "a title"
    shown = names(opened)
    assert len(shown) == 30
    assert opened.locator("#rows tr").nth(0).inner_text().count("failed") == 1  # worst first
    scores = opened.locator("#rows tr td:nth-child(4)").all_inner_texts()
    numbers = [float(text) for text in scores if text]
    assert numbers == sorted(numbers)
    opened.get_by_role("button", name="PSNR dB").click()
    numbers = [float(t) for t in opened.locator("#rows tr td:nth-child(4)").all_inner_texts() if t]
    assert numbers == sorted(numbers, reverse=True)
    opened.get_by_role("button", name="Name").click()
    assert names(opened)[:3] == ["photo 0.png", "photo 1.png", "photo 2.png"]
    opened.locator("#search").fill("photo 2")
    assert set(names(opened)) == {name for name in shown if name.startswith("photo 2")}
    opened.locator("#search").fill("")
    opened.locator("#status").select_option("failed")
    assert len(names(opened)) == 4
    opened.locator("#rows tr").first.click()
    assert opened.locator("#caption").inner_text().endswith("<b>damaged</b>")  # text, and no markup
    opened.locator("#status").select_option("")

    opened.locator("#rows tr", has_text="photo 0.png").click()
    stage = opened.locator("#stage").bounding_box()
    opened.mouse.click(stage["x"] + stage["width"] * 0.25, stage["y"] + stage["height"] / 2)
    edge = opened.locator("#edge").bounding_box()
    assert abs(edge["x"] + edge["width"] / 2 - stage["x"] - stage["width"] * 0.25) < 0.03 * stage["width"]
    shot = np.asarray(Image.open(io.BytesIO(opened.locator("#stage").screenshot())).convert("RGB"), float)
    truth = [skimage.data.chelsea() // 2 + 120, skimage.data.chelsea()]
    for share, wanted in ((0.1, truth[0]), (0.8, truth[1])):
        column, there = round(share * shot.shape[1]), round(share * wanted.shape[1])
        ours = shot[:, column - 5 : column + 5].mean()
        assert abs(ours - wanted[:, there - 5 : there + 5].mean()) < 12
    opened.keyboard.press("ArrowRight")
    assert opened.locator("#edge").bounding_box()["x"] > edge["x"]
    opened.keyboard.press("ArrowDown")
    assert opened.locator("#caption b").inner_text() == "photo 1.png"
    opened.locator("#right-side").select_option("0")
    assert opened.locator("#right").get_attribute("alt") == "photo 1.png: hazy"


@pytest.mark.parametrize("width", [390, 1280])
def test_every_width_and_both_schemes(watched: Watched, tmp_path: Path, width: int) -> None:
    write_page(tmp_path / "r.html", "title", "note", rows(8, Thumbnails(16)))
    grounds = []
    for scheme in ("light", "dark"):
        opened = watched.open(tmp_path / "r.html", width, scheme)
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
        grounds.append(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


def test_five_thousand_files(watched: Watched, tmp_path: Path) -> None:
    thumbnail = Thumbnails(MANY)
    photo = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)  # as large as it gets
    photo = (photo * 0.3 + skimage.data.chelsea()[:300, :400] * 0.7).astype(np.uint8)
    pictures = {"hazy": thumbnail(photo // 2), "dehazed": thumbnail(photo)}
    assert all(1000 < len(data) <= thumbnail.most for data in pictures.values())
    path = tmp_path / "r.html"
    write_page(path, "t", "", [Row(f"{i:05}.jpg", "done", "", {"haze": i / 5000}, pictures) for i in range(5000)])
    assert path.stat().st_size < 50e6
    opened = watched.open(path)
    assert names(opened)[0] == "04999.jpg"
    for _ in range(250):
        opened.keyboard.press("ArrowDown")
    assert opened.locator("#caption b").inner_text() == "04749.jpg"
    assert opened.locator("#rows tr[aria-selected=true]").is_visible()


def test_names_are_any_bytes_and_no_markup(tmp_path: Path) -> None:
    text = page("</script><script>alert(1)", "", [Row("\udcff</script>", "done")])
    assert text.count("</script>") == 2
    data = text.split('id="report">')[1].split("</script>")[0]
    assert json.loads(data)["rows"][0]["name"] == "\ufffd</script>"
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 3000, 3), (2000, 30, 3), (50, 60)])
def test_small_copies_of_any_shape(shape: tuple[int, ...]) -> None:
    for kind in (np.uint8, np.uint16):
        small = Image.open(io.BytesIO(Thumbnails(10)(np.full(shape, 9, kind))))
        assert max(small.size) == min(1024, max(shape[:2]))


def test_reports_of_the_commands(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    def shown(path: Path) -> dict[str, Any]:
        data = path.read_text(encoding="utf-8").split('id="report">')[1].split("</script>")[0]
        return {row["name"]: row for row in json.loads(data)["rows"]}

    make_video(photo_folder / "ride.mp4")
    (photo_folder / "bad.png").write_text("text")
    common = ("dehaze", photo_folder, "--out", tmp_path / "out", "--report", tmp_path / "r.html")
    assert cli(*common, "--report-maps").code == 1
    first = shown(tmp_path / "r.html")
    assert {name: row["status"] for name, row in first.items()} == {
        "a.png": "done",
        "bad.png": "failed",
        "ride.mp4": "done",
        "sub/b.png": "done",
    }
    captions = {name: [caption for caption, _ in row["pictures"]] for name, row in first.items()}
    assert captions["a.png"] == ["hazy", "dehazed", "transmission"]
    assert captions["ride.mp4"] == ["hazy", "dehazed"]
    cli(*common)
    again = shown(tmp_path / "r.html")
    assert again["a.png"]["status"] == "skipped"
    assert again["a.png"]["pictures"] == first["a.png"]["pictures"][:2]
    cli("eval", "--pred", tmp_path / "out/sub", "--gt", photo_folder / "sub", "--report", tmp_path / "e.html")
    (row,) = shown(tmp_path / "e.html").values()
    assert [caption for caption, _ in row["pictures"]] == ["picture", "truth"]
    for wrong in (("--report", "x.txt"), ("--report-maps",), ("--report", "x.html", "--watch", ".")):
        assert cli("dehaze", photo_folder, "--out", tmp_path / "out", *wrong).code == 2
