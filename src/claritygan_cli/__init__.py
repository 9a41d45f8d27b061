"""claritygan: takes haze out of photos, puts haze in, and trains and measures the networks that do both."""

__version__ = "0.1.0"
