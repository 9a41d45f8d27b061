"""The size at which a network sees a picture. Light: no torch here, but for graphs that it traces."""


def larger(a: int, b: int) -> int:
    """The larger of two numbers of pixels, which in a graph for pictures of any size are no numbers yet."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    import torch

    return torch.sym_max(a, b)


def working_shape(height: int, width: int, working_size: int, multiple: int) -> tuple[int, int]:
    """Size at which a network sees a picture: longest side ``working_size``, or the picture's own if that is less.

    Both sides are rounded to the nearest ``multiple``, one at least.
    """
    longest = larger(larger(height, width), working_size)

    def side(pixels: int) -> int:
        return larger(multiple, (2 * pixels * working_size // longest + multiple) // (2 * multiple) * multiple)

    return side(height), side(width)
