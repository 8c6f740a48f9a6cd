"""Members of zip archives, as weight files use them."""

from __future__ import annotations

import struct
import weakref
import zipfile
from io import BytesIO
from pathlib import Path

from archdsl.files import open_file
from archdsl.weights.tensor import MAX_TENSORS, Place, malformed


class Archive:
    """The members of a zip file: their places in it, or their contents if they are compressed.

    ``content``: the bytes of a file that was never written, which ``path`` then only names.
    """

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        self.path = path
        self.content = content
        self.size = path.stat().st_size if content is None else len(content)
        try:
            # Kept: to open it again for each member would read its directory again.
            file = open_file(path) if content is None else BytesIO(content)
            weakref.finalize(self, file.close)
            self.opened = zipfile.ZipFile(file)
            members = self.opened.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, EOFError):
            malformed(path, "it is not a complete zip archive")
        if len(members) > MAX_TENSORS:
            malformed(path, f"it has {len(members):,} members")
        self.members = {member.filename: member for member in members}
        if len(self.members) != len(members):
            malformed(path, "it has two members with the same name")
        for member in members:
            if member.flag_bits & 1:
                malformed(path, f"its member `{member.filename[:80]}` is encrypted")

    def place(self, name: str) -> Place | None:
        """The place of an uncompressed member in the file; ``None`` for a compressed one."""
        member = self.members[name]
        if member.compress_type != zipfile.ZIP_STORED:
            return None
        head = Place(self.path, member.header_offset, 30).read(0, 30)
        if head[:4] != b"PK\x03\x04":
            malformed(self.path, f"its member `{name[:80]}` is not where the directory says")
        offset = (
            member.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        )
        if member.file_size != member.compress_size or offset + member.file_size > self.size:
            malformed(self.path, f"its member `{name[:80]}` lies outside of the file")
        return Place(self.path, offset, member.file_size)

    def read(self, name: str, limit: int) -> bytes:
        """At most ``limit`` bytes of a member; a larger one is refused, whatever the directory says of its size."""
        place = self.place(name) if self.content is None else None
        if place is not None:
            if place.size > limit:
                malformed(self.path, f"its member `{name[:80]}` has {place.size:,} bytes")
            return place.read(0, place.size)
        try:
            with self.opened.open(self.members[name]) as stream:
                data = stream.read(limit + 1)
        except Exception as error:  # zlib's, zipfile's and lzma's errors share no base
            malformed(self.path, f"its member `{name[:80]}` cannot be unpacked ({error})")
        if len(data) > limit:
            malformed(self.path, f"its member `{name[:80]}` unpacks to more than the {limit:,} bytes it may have")
        return data

    def begin(self, name: str, size: int) -> bytes:
        """The first ``size`` bytes of a member."""
        place = self.place(name)
        if place is not None:
            return place.read(0, min(size, place.size))
        try:
            with self.opened.open(self.members[name]) as stream:
                return stream.read(size)
        except Exception as error:
            malformed(self.path, f"its member `{name[:80]}` cannot be unpacked ({error})")
