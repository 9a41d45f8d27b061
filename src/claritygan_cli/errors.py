"""Everything that claritygan raises on purpose.

ClarityganError             exit code 1: the job could not be done
├── UsageError              exit code 2: the request makes no sense
│   └── SettingError        a setting has a value that it cannot have; names the field
├── ImageError              a picture cannot be read or written
├── ModelError              a weights file is missing, wrong, truncated or tampered with
└── DataError               a data set or a pair of pictures is not as it must be

Messages are one line that names the file and the remedy; the command line prints them as they are, but for a
:class:`SettingError`, whose field it calls by its option's name.
"""


class ClarityganError(Exception):
    """Base of the errors above."""

    exit_code = 1


class UsageError(ClarityganError):
    """The request makes no sense, whatever the files hold."""

    exit_code = 2


class SettingError(UsageError):
    """A setting has a value that it cannot have.

    Attributes:
        field: name of the setting, as its dataclass declares it.
        value: what it was set to; None where the setting itself is out of place.
        problem: what is wrong with that, and the remedy.
    """

    def __init__(self, field: str, value: object, problem: str) -> None:
        self.field, self.value, self.problem = field, value, problem
        super().__init__(self.described(field))

    def __reduce__(self) -> tuple[type["SettingError"], tuple[str, object, str]]:
        """It crosses from one process to another."""
        return type(self), (self.field, self.value, self.problem)

    def described(self, name: str) -> str:
        """The message, with the setting called ``name``."""
        return f"{name}: {self.problem}" if self.value is None else f"{name} {self.value}: {self.problem}"


class ImageError(ClarityganError):
    """A picture cannot be read or written."""


class ModelError(ClarityganError):
    """A weights file is missing, wrong, truncated or tampered with."""


class DataError(ClarityganError):
    """A data set or a pair of pictures is not as it must be."""
