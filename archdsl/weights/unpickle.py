"""A reader of pickles that builds plain data and nothing else.

Python's own unpickler can call whatever a file names. This one is a small stack machine for the opcodes that
``torch.save`` uses. A global in the file is looked up in a table of ours and never imported; calls are only those of
the table; everything else is refused by its name (E0902). Opcodes: Python's ``pickletools`` documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archdsl.weights.tensor import malformed, refuse

STOP = 0x2E
MAX_TEXT = 1 << 20
"""Bytes of one string in a checkpoint: names are short."""
MAX_STEPS = 1_000_000
"""Opcodes, and elements that calls copy; a tensor takes some thirty. Every one of them makes some bytes and takes some
time, however short it is in the file, so that this bounds both.
"""

_MARK = object()

CONSTANTS: dict[int, Any] = {0x4E: None, 0x88: True, 0x89: False, 0x29: ()}
EMPTY: dict[int, Callable[[], Any]] = {0x7D: dict, 0x5D: list}
INTEGERS = {0x4A: (4, True), 0x4B: (1, False), 0x4D: (2, False)}
"""Bytes of an integer, and whether it has a sign."""
LENGTHS = {0x58: 4, 0x8C: 1, 0x8D: 8, 0x55: 1, 0x54: 4, 0x42: 4, 0x43: 1, 0x8E: 8}
"""Strings and bytes by opcode: the bytes of their length."""
BYTES = (0x42, 0x43, 0x8E)
REFUSED = {0x69: "INST", 0x6F: "OBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x92: "NEWOBJ_EX",
           0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER", 0x50: "PERSID", 0x49: "INT",
           0x4C: "LONG", 0x8B: "LONG4", 0x53: "STRING", 0x56: "UNICODE", 0x46: "FLOAT", 0x70: "PUT", 0x67: "GET",
           0x64: "DICT", 0x6C: "LIST", 0x30: "POP", 0x31: "POP_MARK", 0x32: "DUP", 0x90: "ADDITEMS",
           0x91: "FROZENSET"}  # fmt: skip


class Global:
    """A name in the table: a marker, or something that may be called."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Any] | None) -> None:
        self.name = name
        self.call = call


class Machine:
    """One pickle being read."""

    def __init__(
        self, path: Path, data: bytes, table: Mapping[str, Callable[..., Any] | None], storage: Callable[[Any], Any]
    ) -> None:
        self.path = path
        self.data = data
        self.table = table
        self.storage = storage
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.steps = 0

    def run(self) -> Any:
        """The object. Refuses (E0902) what is cut off or senseless, (E0902) what would run code."""
        try:
            return self._run()
        except (IndexError, TypeError, ValueError, AttributeError, KeyError, struct.error, RecursionError):
            malformed(self.path, "its pickle is malformed")

    def _run(self) -> Any:
        data, find = self.data, ACTIONS.get
        while (code := data[self.at]) != STOP:
            self.at += 1
            self.steps += 1
            if self.steps > MAX_STEPS:
                self.count(0)
            action = find(code)
            if action is None:
                name = REFUSED.get(code, f"{code:#04x}")
                refuse(
                    "E0902", f"`{self.path}`: its pickle uses the opcode {name}, which no checkpoint needs", help=HELP
                )
            action(self)
        return self.stack.pop()

    def count(self, steps: int) -> None:
        """Refuse (E0902) more work than any checkpoint needs, before it is done."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            malformed(self.path, f"its pickle takes more than {MAX_STEPS:,} steps")

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > len(self.data) - self.at:
            malformed(self.path, "its pickle is cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int) -> int:
        """The next unsigned integer."""
        return int.from_bytes(self.take(count), "little")

    def string(self, code: int) -> str | bytes:
        """A string or bytes."""
        size = self.number(LENGTHS[code])
        if size > MAX_TEXT:
            malformed(self.path, f"its pickle has a string of {size:,} bytes")
        data = self.take(size)
        return data if code in BYTES else data.decode("utf-8", "surrogateescape")

    def since_mark(self) -> list[Any]:
        """What lies on the stack above the last mark, taken off."""
        position = len(self.stack) - 1
        while self.stack[position] is not _MARK:
            position -= 1
            if position < 0:
                malformed(self.path, "its pickle is malformed")
        items = self.stack[position + 1 :]
        del self.stack[position:]
        return items

    def find(self, module: str, name: str) -> None:
        """Push what the table has for a global."""
        full = f"{module}.{name}"
        if full not in self.table:
            refuse("E0902", f"`{self.path}` asks for `{full[:120]}`, which is not on the list of what may be loaded",
                   help=HELP)  # fmt: skip
        self.stack.append(Global(full, self.table[full]))

    def call(self) -> None:
        """REDUCE and NEWOBJ: a function of the table on a tuple."""
        arguments = self.stack.pop()
        function = self.stack.pop()
        if not isinstance(function, Global) or function.call is None or not isinstance(arguments, tuple):
            shown = function.name if isinstance(function, Global) else type(function).__name__
            refuse(
                "E0902", f"`{self.path}` calls `{shown[:120]}`, which is not a function that may be called", help=HELP
            )
        self.count(len(arguments) + sum(len(one) for one in arguments if isinstance(one, list | tuple | dict | str)))
        self.stack.append(function.call(*arguments))

    def set_items(self, items: list[Any]) -> None:
        """Put keys and values in turn into the dictionary on the stack."""
        target = self.stack[-1]
        if not isinstance(target, dict):
            malformed(self.path, "its pickle is malformed")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | float | None):
                malformed(self.path, "a dictionary in its pickle has an invalid key")
            target[key] = value

    def extend(self, items: list[Any]) -> None:
        """Append to the list on the stack."""
        target = self.stack[-1]
        if not isinstance(target, list):
            malformed(self.path, "its pickle is malformed")
        target.extend(items)


HELP = 'if you trust it, save its tensors: `torch.save({k: v for k, v in model.state_dict().items()}, "weights.pth")`'


def _line(m: Machine) -> str:
    end = m.data.find(b"\n", m.at, m.at + 1000)
    if end < 0:
        malformed(m.path, "its pickle is cut off")
    return m.take(end + 1 - m.at)[:-1].decode("utf-8", "replace")


def _global(m: Machine) -> None:
    module = _line(m)
    m.find(module, _line(m))


def _stack_global(m: Machine) -> None:
    name, module = m.stack.pop(), m.stack.pop()
    if not isinstance(module, str) or not isinstance(name, str):  # the text of anything else has no bound
        malformed(m.path, "its pickle names a global by something else than two strings")
    m.find(module, name)


def _tuple(count: int) -> Callable[[Machine], None]:
    def make(m: Machine) -> None:
        if len(m.stack) < count:
            raise IndexError
        items = tuple(m.stack[-count:])
        del m.stack[-count:]
        m.stack.append(items)

    return make


def _build(m: Machine) -> None:
    """State of an object: only dictionaries get here (``OrderedDict._metadata``), and theirs is not needed."""
    m.stack.pop()
    if not isinstance(m.stack[-1], dict):
        malformed(m.path, "its pickle gives a state to an object that has none")


def _remember(m: Machine, index: int) -> None:
    m.memo[index] = m.stack[-1]


def _two(m: Machine) -> list[Any]:
    value, key = m.stack.pop(), m.stack.pop()
    return [key, value]


def _constant(value: Any) -> Callable[[Machine], None]:
    return lambda m: m.stack.append(value)


def _empty(kind: Callable[[], Any]) -> Callable[[Machine], None]:
    return lambda m: m.stack.append(kind())


def _set(m: Machine) -> None:
    m.count(3)  # four times as large as a dictionary
    m.stack.append(set())


def _integer(size: int, signed: bool) -> Callable[[Machine], None]:
    return lambda m: m.stack.append(int.from_bytes(m.take(size), "little", signed=signed))


def _string(code: int) -> Callable[[Machine], None]:
    return lambda m: m.stack.append(m.string(code))


ACTIONS: dict[int, Callable[[Machine], None]] = {
    **{code: _constant(value) for code, value in CONSTANTS.items()},
    **{code: _empty(kind) for code, kind in EMPTY.items()},
    **{code: _integer(*form) for code, form in INTEGERS.items()},
    **{code: _string(code) for code in LENGTHS},
    0x8F: _set,
    0x80: lambda m: None if m.number(1) <= 5 else malformed(m.path, "its pickle has an unknown protocol"),
    0x95: lambda m: None if m.number(8) <= len(m.data) else malformed(m.path, "its pickle is cut off"),
    0x28: lambda m: m.stack.append(_MARK),
    0x63: _global,
    0x93: _stack_global,
    0x52: Machine.call,
    0x81: Machine.call,
    0x62: _build,
    0x51: lambda m: m.stack.append(m.storage(m.stack.pop())),
    0x71: lambda m: _remember(m, m.number(1)),
    0x72: lambda m: _remember(m, m.number(4)),
    0x94: lambda m: _remember(m, len(m.memo)),
    0x68: lambda m: m.stack.append(m.memo[m.number(1)]),
    0x6A: lambda m: m.stack.append(m.memo[m.number(4)]),
    0x74: lambda m: m.stack.append(tuple(m.since_mark())),
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    0x75: lambda m: m.set_items(m.since_mark()),
    0x73: lambda m: m.set_items(_two(m)),
    0x65: lambda m: m.extend(m.since_mark()),
    0x61: lambda m: m.extend([m.stack.pop()]),
    0x47: lambda m: m.stack.append(struct.unpack(">d", m.take(8))[0]),
    0x8A: lambda m: m.stack.append(int.from_bytes(m.take(m.number(1)), "little", signed=True)),
}
