"""claritygan: takes haze out of photos and videos, puts haze in, and trains and measures the networks that do both."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claritygan_cli.api import Haze, Model, dehaze, estimate_haze, hazify, load_model
    from claritygan_cli.engine.restoration_config import RestorationConfig

__version__ = "0.1.0"
__all__ = ["Haze", "Model", "RestorationConfig", "dehaze", "estimate_haze", "hazify", "load_model"]


def __getattr__(name: str) -> object:
    """The API's names are imported when they are first used, so that importing the package stays instant."""
    if name in __all__:
        return getattr(import_module("claritygan_cli.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
