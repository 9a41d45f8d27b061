import torch

from claritygan_cli.training.image_pool import ImagePool


def numbered(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 3, 4, 4).clone()


def test_first_images_pass_through() -> None:
    pool = ImagePool(size=3)
    assert torch.equal(pool.query(numbered(0, 1, 2)), numbered(0, 1, 2))


def test_half_of_the_later_ones_are_old() -> None:
    pool = ImagePool(size=10)
    pool.query(numbered(*range(10)))
    out = torch.cat([pool.query(numbered(i)) for i in range(10, 1010)])[:, 0, 0, 0]
    old = (out != torch.arange(10, 1010)).float().mean().item()
    assert 0.42 < old < 0.58
    assert [len(kept) for kept in pool.images.values()] == [10]


def test_size_zero_keeps_nothing_and_gradients_stop() -> None:
    pool = ImagePool(size=0)
    image = numbered(1).requires_grad_()
    out = pool.query(image)
    assert torch.equal(out, image)
    assert not out.requires_grad
    assert list(pool.images.values()) == [[]]


def test_every_shape_has_its_own_history() -> None:
    pool = ImagePool(size=2)
    pool.query(numbered(0, 1))
    for _ in range(20):
        assert pool.query(torch.ones(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    assert {image[0, 0, 0].item() for image in pool.images[torch.Size((3, 4, 4))]} == {0, 1}


def test_a_pool_goes_on_where_its_state_was_taken() -> None:
    pool, twin = ImagePool(3, seed=1), ImagePool(3, seed=9)
    for i in range(5):
        pool.query(torch.full((2, 1, 2, 2), float(i)))
    twin.load_state_dict(pool.state_dict(), torch.device("cpu"))
    for i in range(20):
        images = torch.full((2, 1, 2, 2), 10.0 + i)
        assert torch.equal(pool.query(images), twin.query(images))
