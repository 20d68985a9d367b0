"""PNGs as Chromium writes them: eight bits a channel, RGB or RGBA, not interlaced."""

from __future__ import annotations

import struct
import zlib


class Picture:
    def __init__(self, png: bytes) -> None:
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        place, packed = 8, b""
        while place < len(png):
            length, kind = struct.unpack(">I4s", png[place:place + 8])
            data = png[place + 8:place + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, depth, colour, _, _, interlaced = struct.unpack(
                    ">IIBBBBB", data
                )
                assert (depth, interlaced) == (8, 0) and colour in (2, 6)
                self._channels = 3 if colour == 2 else 4
            elif kind == b"IDAT":
                packed += data
            place += 12 + length
        self._rows = self._unfiltered(zlib.decompress(packed))

    def _unfiltered(self, raw: bytes) -> list[bytes]:
        step, length = self._channels, self.width * self._channels
        rows, above = [], bytearray(length)
        for number in range(self.height):
            start = number * (length + 1)
            kind, row = raw[start], bytearray(raw[start + 1:start + 1 + length])
            if kind == 2:
                row = bytearray((a + b) & 255 for a, b in zip(row, above))
            for i in range(length if kind in (1, 3, 4) else 0):
                left = row[i - step] if i >= step else 0
                up = above[i]
                if kind == 1:
                    add = left
                elif kind == 3:
                    add = (left + up) // 2
                else:
                    corner = above[i - step] if i >= step else 0
                    guess = left + up - corner
                    add = min((left, up, corner), key=lambda value: abs(guess - value))
                row[i] = (row[i] + add) & 255
            rows.append(bytes(row))
            above = row
        return rows

    def at(self, x: int, y: int) -> tuple[int, int, int]:
        place = x * self._channels
        red, green, blue = self._rows[y][place:place + 3]
        return red, green, blue

    def lightness(self, x: int, y: int) -> float:
        """From 0, black, to 1, white."""
        red, green, blue = self.at(x, y)
        return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255

    def colours(self, left: int, top: int, right: int, bottom: int,
                step: int) -> set[tuple[int, int, int]]:
        return {self.at(x, y) for y in range(top, bottom, step)
                for x in range(left, right, step)}
