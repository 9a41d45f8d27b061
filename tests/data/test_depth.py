import numpy as np
import pytest
import skimage.data

from claritygan_cli.data.depth import FARTHEST, from_camvid_labels, from_logarithms, ground_plane, invent


def test_ground_plane_is_perspective() -> None:
    depth = ground_plane(1000, 4, horizon=0.5, nearest=0.05)
    assert depth[:500].min() == 1
    below = depth[600:, 0]
    assert (np.diff(below) < 0).all()
    assert depth[-1, 0] == pytest.approx(0.05 / 0.4995, rel=1e-3)
    # depth goes with the inverse of the distance from the horizon
    assert depth[749, 0] / depth[999, 0] == pytest.approx(0.4995 / 0.2495, rel=1e-3)


def test_street_scene_from_labels() -> None:
    sky, building, road, car = 0, 1, 3, 8
    labels = np.full((100, 80), road)
    labels[:40] = sky
    labels[20:50, :30] = building
    labels[60:80, 50:70] = car
    depth = from_camvid_labels(labels)
    assert (depth[:20] == 1).all()
    assert depth[22, 10] == depth[48, 10] == pytest.approx(float(depth[50, 10]), rel=0.1)
    assert depth[62, 60] == depth[78, 60] < depth[48, 10]
    assert depth[99, 40] < depth[70, 40] < depth[45, 40]
    assert depth.min() > 0


def test_invented_depth_varies_and_stays_in_range() -> None:
    photo = skimage.data.rocket()[::6, ::6] / 255.0
    random = np.random.default_rng(0)
    first, second = invent(photo, random), invent(photo, random)
    for depth in (first, second):
        assert depth.shape == photo.shape[:2]
        assert depth.dtype == np.float32
        assert 0 <= depth.min() < depth.max() <= 1
    assert np.abs(first - second).mean() > 0.01
    assert np.array_equal(invent(photo, np.random.default_rng(0)), first)


def test_invented_sky_is_far() -> None:
    picture = np.zeros((60, 90, 3))
    picture[:30] = (0.6, 0.75, 0.95)
    picture[30:] = np.random.default_rng(1).random((30, 90, 1)) * 0.4
    depth = np.mean([invent(picture, np.random.default_rng(i)) for i in range(20)], axis=0)
    assert depth[5:20].mean() > depth[45:].mean() + 0.2


@pytest.mark.parametrize("sky", [0, 255])
def test_logarithms_are_relative_depth_with_sky(sky: int) -> None:
    values = np.repeat(np.arange(200, 100, -1, dtype=np.uint8)[:, None], 50, 1)
    values[:30] = sky
    values[99] = 255 - sky  # at the bottom, that is a depth
    depth, skies = from_logarithms(values)
    assert (skies[:30] == 1).all()
    assert not skies[30:].any()
    assert (depth[:30] == FARTHEST).all()
    land = depth[30:]
    assert np.quantile(land, 0.95) == pytest.approx(1, abs=0.02)
    assert depth[40, 0] / depth[80, 0] == pytest.approx(np.e, rel=1e-4)
    assert land.max() <= FARTHEST


def test_logarithms_of_nothing_but_sky() -> None:
    depth, sky = from_logarithms(np.zeros((4, 5), np.uint8))
    assert sky[:2].all() or sky.all()
    assert np.isfinite(depth).all()
