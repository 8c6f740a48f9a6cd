"""Protobuf messages by their wire format (https://protobuf.dev/programming-guides/encoding), read where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import unpack
from typing import NoReturn

from archdsl.weights.tensor import Data, Mapped, malformed

MAX_FIELDS = 6_000_000
"""Fields that are looked at: some ten for a node or tensor, each of at least two bytes in the file."""
MAX_TEXT = 4096
"""Bytes of a name that are kept."""

Field = tuple[int, int, int, int]
"""Number, wire type, and for integers the value; for messages, bytes and fixed numbers where they begin and end."""


class Reader:
    """The messages of one file. Every fault is told as a damaged file (E0902)."""

    def __init__(self, path: Path, data: Data) -> None:
        self.path = path
        self.data = data
        self.seen = 0
        self.mapped: Mapped | None = None
        """What tensors are read from while they are asked for, if the data outlive that."""
        self._texts: dict[bytes, str] = {}
        """Names that were read: each stands in several places."""

    def refuse(self, what: str) -> NoReturn:
        """Refuse the file."""
        malformed(self.path, what)

    def fields(self, at: int, end: int) -> Iterator[Field]:
        """The fields of the message between two positions."""
        data = self.data
        while at < end:
            self.seen += 1
            if self.seen > MAX_FIELDS:
                self.refuse(f"it has more than {MAX_FIELDS:,} fields")
            key: int = data[at]  # type: ignore[index, assignment]
            at += 1
            if key > 127:
                key, at = self.varint(at - 1, end)
            if key < 8:
                self.refuse("a field in it has no number")
            number, wire = key >> 3, key & 7
            if wire == 2:
                size: int = data[at] if at < end else 128  # type: ignore[index, assignment]
                at += 1
                if size > 127:
                    size, at = self.varint(at - 1, end)
            elif wire == 0:
                value, at = self.varint(at, end)
                yield number, wire, value, at
                continue
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
            else:
                self.refuse(f"it has a field of the unknown kind {wire}")
            if size > end - at:
                self.refuse("a field reaches beyond its message")
            yield number, wire, at, at + size
            at += size

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """A base-128 integer, and the position after it."""
        value = shift = 0
        while True:
            if at >= end or shift > 63:
                self.refuse("a number in it is cut off")
            byte: int = self.data[at]  # type: ignore[index, assignment]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value, at

    def bytes(self, begin: int, end: int) -> bytes:
        """The bytes of a field."""
        return self.data[begin:end]

    def text(self, begin: int, end: int) -> str:
        """A string, cut where it is longer than any name."""
        raw = self.data[begin : min(end, begin + MAX_TEXT)]
        found = self._texts.get(raw)
        if found is None:
            found = self._texts[raw] = raw.decode("utf-8", "replace")
        return found

    def float(self, begin: int, end: int) -> float:
        """A number of four bytes."""
        found: float = unpack("<f", self.data[begin:end])[0]
        return found

    def integers(self, wire: int, at: int, end: int, most: int) -> list[int]:
        """Signed integers of a repeated field, packed or one; at most ``most`` of them are read."""
        if wire == 0:
            return [signed(at)]
        found: list[int] = []
        while at < end and len(found) <= most:
            value, at = self.varint(at, end)
            found.append(signed(value))
        return found

    def entry(self, begin: int, end: int) -> tuple[str, str]:
        """A key and its value."""
        parts = {number: self.text(start, stop) for number, wire, start, stop in self.fields(begin, end) if wire == 2}
        return parts.get(1, ""), parts.get(2, "")


def signed(value: int) -> int:
    """A 64-bit integer with its sign."""
    return value - (1 << 64) if value >> 63 else value
