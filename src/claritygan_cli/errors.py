"""Everything that claritygan raises on purpose.

ClarityganError             exit code 1: the job could not be done
├── UsageError              exit code 2: the request makes no sense
├── ImageError              a picture cannot be read or written
├── ModelError              a weights file is missing, wrong, truncated or tampered with
└── DataError               a data set or a pair of pictures is not as it must be

Messages are one line that names the file and the remedy; the command line prints them as they are.
"""


class ClarityganError(Exception):
    """Base of the errors above."""

    exit_code = 1


class UsageError(ClarityganError):
    """The request makes no sense, whatever the files hold."""

    exit_code = 2


class ImageError(ClarityganError):
    """A picture cannot be read or written."""


class ModelError(ClarityganError):
    """A weights file is missing, wrong, truncated or tampered with."""


class DataError(ClarityganError):
    """A data set or a pair of pictures is not as it must be."""
