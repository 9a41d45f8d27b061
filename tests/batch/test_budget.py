import threading
import time

from claritygan_cli.batch.budget import PixelBudget


def test_a_large_photo_waits_and_is_not_passed() -> None:
    budget, order = PixelBudget(10), list[str]()

    def take(name: str, pixels: int) -> None:
        with budget.taking(pixels) as holders:
            order.append(f"{name}{holders}")
            time.sleep(0.02)

    with budget.taking(4):
        threads = []
        for name, pixels in (("a", 3), ("large", 99), ("b", 1), ("c", 1)):
            threads.append(threading.Thread(target=take, args=(name, pixels)))
            threads[-1].start()
            time.sleep(0.01)
        assert order == ["a2"]
    for thread in threads:
        thread.join()
    assert order[:2] == ["a2", "large1"]
    assert {name[0] for name in order[2:]} == {"b", "c"}


def test_what_fails_gives_back_its_part() -> None:
    budget = PixelBudget(1)
    for _ in range(2):
        try:
            with budget.taking(1):
                raise KeyError
        except KeyError:
            pass
