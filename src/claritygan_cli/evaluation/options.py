"""What ``eval`` can be told. Light: the command line makes its options of these."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claritygan_cli.errors import SettingError
from claritygan_cli.settings import check, setting


def check_page(report: Path) -> None:
    """See that a report page can go there.

    Raises:
        SettingError: it cannot.
    """
    if re.match(r"[a-z][a-z0-9+.-]+:/", report.as_posix(), re.IGNORECASE):
        raise SettingError("report", report, "is written on this machine; name a path, not a URL")
    if report.suffix.lower() not in (".html", ".htm"):
        raise SettingError("report", report, "must end in .html")
    if report.is_dir():
        raise SettingError("report", report, "is a folder; name a file")


@dataclass(frozen=True)
class EvalOptions:
    """What is scored, and where the scores go.

    Raises:
        SettingError: two fields do not go together, or the scores could not be written.
    """

    data: Path | None = setting(
        None, help="RESIDE folder (ITS, OTS, SOTS), or one with hazy/ and clear/ or gt/.", metavar="DIR"
    )
    pred: Path | None = setting(
        None, help="Finished pictures (a folder), or a video, with their truth; no model runs.", metavar="PATH"
    )
    gt: Path | None = setting(None, help="Their ground truths: a folder, or a video.", metavar="PATH")
    crop: Literal["center"] | None = setting(
        None, help="Compare the common middle where sizes differ.", shown_default="refuse"
    )
    csv: Path | None = setting(None, help="Also write a row per picture to this file.", metavar="FILE")
    report: Path | None = setting(
        None, help="Write a page that shows all pictures, for any browser.", metavar="FILE.html"
    )
    json: bool = setting(False, help="Report on stdout as JSON.")
    quiet: bool = setting(False, help="No progress.", flags=("--quiet", "-q"))

    def __post_init__(self) -> None:
        check(self)
        if (self.pred is None) != (self.gt is None):
            raise SettingError(
                "gt" if self.gt is None else "pred", None, "finished pictures and their truth go together"
            )
        if self.pred is not None and self.data is not None:
            raise SettingError("data", self.data, "finished pictures are scored without a data set; leave one out")
        if self.report is not None:
            check_page(self.report)
        if self.csv is not None and not self.csv.parent.is_dir():
            raise SettingError("csv", self.csv, "there is no such folder to write to")
        if self.csv is not None and self.csv.is_dir():
            raise SettingError("csv", self.csv, "is a folder; name a file")
