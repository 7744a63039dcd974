"""Opens text files as UTF-8, and cuts them into lines, in bounded memory.

Belongs here: compression, encodings, what is no text at all, lines. Does not belong here: what a line means.
"""

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from orchestration.landing.rows import KEPT_BYTES, MAX_LINE_BYTES, RowCollector, UnreadableFile

Line = tuple[int, bytes, bool]  # its number, its bytes without the line end, whether it was cut at KEPT_BYTES
Stream = gzip.GzipFile | BinaryIO | io.BufferedReader

BOM = codecs.BOM_UTF8
# UTF-32 first: its little-endian mark begins with that of UTF-16
WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SAVE_AS_CSV = "save the sheet as CSV UTF-8 and send that"
NOT_TEXT = {
    b"PK\x03\x04": f"it is a ZIP file, as Excel's workbooks are; {SAVE_AS_CSV}",
    b"\xd0\xcf\x11\xe0": f"it is a file of an older Excel; {SAVE_AS_CSV}",
    b"PAR1": "it is a Parquet file; give it a name that ends in .parquet",
    b"\x1f\x8b": "it is gzipped; give it a name that ends in .gz",
}


def open_text(path: Path) -> Stream:
    """A file's text as UTF-8 bytes, after its byte-order marks; raises UnreadableFile for what is no text."""
    stream = gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # noqa: SIM115 - the caller closes it
    start = stream.read(64)
    for mark, reason in NOT_TEXT.items():
        if start.startswith(mark):
            stream.close()
            raise UnreadableFile(reason)
    stream.seek(0)
    encoding = next((encoding for mark, encoding in WIDE_MARKS.items() if start.startswith(mark)), None)
    if encoding is None and (start[1:4:2] == b"\0\0" or start[:3:2] == b"\0\0"):
        stream.close()
        raise UnreadableFile("it looks like UTF-16 without a byte-order mark; save it as UTF-8")
    if encoding:
        wide = io.BufferedReader(_AsUtf8(stream, encoding), 1 << 18)  # type: ignore[type-var]  # mypy wants more of it
        while wide.peek(len(BOM)).startswith(BOM):
            wide.read(len(BOM))
        return wide
    while start.startswith(BOM):
        start = start[len(BOM) :]
        stream.seek(len(BOM), io.SEEK_CUR)
    return stream


class _AsUtf8(io.RawIOBase):
    """A stream of UTF-16 or UTF-32 as UTF-8; a lone surrogate passes, so that it costs its row only."""

    def __init__(self, stream: gzip.GzipFile | BinaryIO, encoding: str) -> None:
        self.stream, self.rest, self.is_last = stream, b"", False
        self.decode = codecs.getincrementaldecoder(encoding)("surrogatepass").decode

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # mypy has no protocol for it
        while not self.rest and not self.is_last:
            block = self.stream.read(1 << 16)
            self.is_last = not block
            self.rest = self.decode(block, self.is_last).encode("utf-8", "surrogatepass")
        read, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self.stream.close()
        super().close()


def lines_of(stream: Stream) -> Iterator[Line]:
    """Yield the lines of a stream; never holds more than MAX_LINE_BYTES."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        is_cut = len(line) > MAX_LINE_BYTES and not line.endswith(b"\n")
        if is_cut:
            kept = line[:KEPT_BYTES]
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
            line = kept
        yield number, line.rstrip(b"\r\n"), is_cut


def refuse_long(rows: RowCollector, number: int, line: bytes) -> None:
    """Refuse a line of which only the beginning is kept."""
    message = f"is longer than {MAX_LINE_BYTES:,} bytes; its first {KEPT_BYTES:,} are kept"
    rows.refuse(number, MAX_LINE_BYTES + 1, "line_too_long", message, line, is_whole_text=False)
