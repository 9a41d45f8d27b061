import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import claritygan_cli
from claritygan_cli import RestorationConfig, dehaze, estimate_haze, hazify, load_model
from claritygan_cli.errors import UsageError


def test_every_name_is_there() -> None:
    assert sorted(claritygan_cli.__all__) == claritygan_cli.__all__
    for name in claritygan_cli.__all__:
        assert getattr(claritygan_cli, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        claritygan_cli.nothing  # noqa: B018
    assert (Path(claritygan_cli.__file__).parent / "py.typed").is_file()


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, claritygan_cli; assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(max_examples=12, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from([(), (1,), (3,), (4,)]),
    st.sampled_from([np.uint8, np.uint16, np.float32, np.float64]),
)
def test_an_array_gives_its_like(size: tuple[int, int], planes: tuple[int, ...], kind: type) -> None:
    random = np.random.default_rng(0)
    array = random.random((*size, *planes))
    array = array.astype(kind) if kind in (np.float32, np.float64) else (array * np.iinfo(kind).max).astype(kind)
    before = array.copy()
    for result in (dehaze(array), hazify(array)):
        assert (result.shape, result.dtype) == (array.shape, array.dtype)
        if planes == (4,):
            assert np.array_equal(result[..., 3], array[..., 3])
    assert np.array_equal(array, before)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_pil_image_gives_its_like(photo: np.ndarray, mode: str) -> None:
    image = Image.fromarray(photo).convert(mode)
    image.info["dpi"] = (72, 72)
    result = dehaze(image, strength=0.5)
    assert (result.mode, result.size, result.info["dpi"]) == (mode, image.size, (72, 72))


def test_kinds_of_numbers_agree(photo: np.ndarray) -> None:
    whole, fine, real = dehaze(photo), dehaze(photo.astype(np.uint16) * 257), dehaze(photo.astype(np.float32) / 255)
    assert np.abs(fine / 257 - whole).max() <= 0.51
    assert np.abs(real * 255 - whole).max() <= 0.51


def test_haze_that_was_put_in_is_seen_and_taken_out(photo: np.ndarray) -> None:
    hazy = hazify(photo, density=1.5, airlight=0.9)
    haze, none = estimate_haze(hazy), estimate_haze(Image.fromarray(photo))
    assert haze.transmission.shape == photo.shape[:2]
    assert haze.transmission.mean() < none.transmission.mean() - 0.1
    assert haze.airlight == pytest.approx([0.9] * 3, abs=0.06)
    assert haze.mean_transmission == pytest.approx(haze.transmission.mean(), abs=0.02)
    assert (haze.hazy, none.hazy) == (True, False)
    assert np.abs(dehaze(hazy).astype(float) - photo).mean() < np.abs(hazy.astype(float) - photo).mean() / 2


def test_models_and_their_restoration(photo: np.ndarray) -> None:
    plain = load_model("scattering-dehaze", restoration=RestorationConfig.plain())
    hazy = hazify(photo)
    assert not np.array_equal(dehaze(hazy, model=plain), dehaze(hazy))
    assert np.array_equal(dehaze(hazy, model=load_model("scattering-dehaze")), dehaze(hazy))
    with pytest.raises(UsageError, match="not for 'dehaze'"):
        dehaze(photo, model="scattering-hazify")
    with pytest.raises(UsageError, match="neither a model file"):
        load_model("nothing")


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((2, 2, 2), np.uint8), ValueError),
        (np.zeros((0, 2, 3), np.uint8), ValueError),
        (np.zeros((2, 2, 3), np.int64), TypeError),
        (np.full((2, 2, 3), 1.5), ValueError),
        (np.full((2, 2, 3), np.nan), ValueError),
        ([[0]], TypeError),
        (Image.new("CMYK", (2, 2)), TypeError),
    ],
)
def test_what_is_no_image(image: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        dehaze(image)  # type: ignore[type-var]


def test_amounts_that_make_no_sense(photo: np.ndarray) -> None:
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="strength"):
            dehaze(photo, strength=wrong)
        with pytest.raises(ValueError, match="density"):
            hazify(photo, density=wrong)
    with pytest.raises(ValueError, match="airlight"):
        hazify(photo, airlight=2.0)


def test_the_example_in_readme_runs(photo: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (example,) = (block for block in re.findall(r"```python\n(.*?)```", readme, re.S) if "claritygan_cli" in block)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo).save("hazy.jpg")
    found: dict[str, object] = {"array": photo}
    exec(example, found)
    assert isinstance(found["hazy"], np.ndarray)
