"""The detections of one stream, put together from a board's reports and from those that it keeps."""

import struct

from mltk_like.audio.board.limits import LOG_S, Deadline, strange
from mltk_like.audio.board.link import Link
from mltk_like.audio.board.messages import DetectionReport, Request, parse_logged
from mltk_like.errors import DataError


class Detected:
    """Detections by number, of which some may have been lost on the line.

    Args:
        link: to the board.
        most: how many there can be.
    """

    def __init__(self, link: Link, most: int) -> None:
        self._link = link
        self._most = most
        self._found: dict[int, DetectionReport] = {}
        self._whole = 0  # all before this number are there
        self._end = 0  # the last that is known of, plus one

    def add(self, report: DetectionReport) -> None:
        """Take a report. Raises DataError for a number that no stream so long can have."""
        self._check(report.number + 1)
        self._found[report.number] = report
        self._end = max(self._end, report.number + 1)
        while self._whole in self._found:
            self._whole += 1

    def fetch_missing(self) -> None:
        """Ask for those that the line lost; a board keeps only the latest. Raises DataError and as `Link.request`."""
        deadline = Deadline("tell its detections", LOG_S)
        while (wanted := self._whole) < self._end:
            deadline.check()
            for each in parse_logged(self._link.request(Request.DETECTIONS, struct.pack("<I", wanted))):
                self.add(each)
            if wanted == self._whole:
                raise DataError("the line lost detections that the board no longer has", "use a better line")

    def all(self, total: int) -> list[DetectionReport]:
        """The first `total`, complete. Raises as `fetch_missing`."""
        self._check(total)
        self._end = max(self._end, total)
        self.fetch_missing()
        return [self._found[number] for number in range(total)]

    def _check(self, count: int) -> None:
        if count > self._most:
            raise strange(f"the board reports {count} detections in what can hold {self._most}")
