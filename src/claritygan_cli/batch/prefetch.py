"""A bounded pipeline out of plain generators."""

import queue
import threading
from collections.abc import Generator
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


def prefetch(items: Generator[Item], depth: int) -> Generator[Item]:
    """The items, made by a thread of their own that is at most ``depth`` of them ahead.

    What the maker raises is raised here. When this generator is closed, the maker is stopped and closed first.
    """
    made: queue.Queue[Any] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: Any) -> None:
        while not stopped.is_set():
            try:
                return made.put(item, timeout=0.1)
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put((item, None))
                if stopped.is_set():
                    break
            items.close()
            put((_END, None))
        except BaseException as error:  # raised again where the items are wanted
            put((_END, error))

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        thread.join()
