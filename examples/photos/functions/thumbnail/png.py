"""Enough of PNG to make thumbnails with nothing but the standard library: 8 bits a channel, grey, RGB or RGBA, not
interlaced (https://www.w3.org/TR/png-3/). An application with other photos packs Pillow with its function."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type
MAX_PIXELS = 16 << 20


class Picture:
    """Rows of pixels, top first; channels are 1, 2, 3 or 4 bytes of a pixel."""

    def __init__(self, width, height, channels, rows):
        self.width, self.height, self.channels, self.rows = width, height, channels, rows

    def shrink(self, size):
        """Returns the picture with its longer side at most size pixels: each pixel is the mean of those that it stands for."""
        scale = max(self.width, self.height, size) / size
        width, height = max(1, round(self.width / scale)), max(1, round(self.height / scale))
        n, rows = self.channels, []
        for y in range(height):
            band = self.rows[y * self.height // height : max((y + 1) * self.height // height, y * self.height // height + 1)]
            row = bytearray()
            for x in range(width):
                left = x * self.width // width
                right = max((x + 1) * self.width // width, left + 1)
                for c in range(n):
                    values = [v for line in band for v in line[left * n + c : right * n : n]]
                    row.append(sum(values) // len(values))
            rows.append(bytes(row))
        return Picture(width, height, n, rows)

    def encode(self):
        kind = {v: k for k, v in CHANNELS.items()}[self.channels]
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, kind, 0, 0, 0)
        data = zlib.compress(b"".join(b"\0" + row for row in self.rows))
        return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def decode(png):
    """Returns the Picture of a file; ValueError says what is wrong with it."""
    if not png.startswith(SIGNATURE):
        raise ValueError("no PNG")
    header, data = None, b""
    for kind, content in chunks(png[len(SIGNATURE) :]):
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", content)
        elif kind == b"IDAT":
            data += content
    if header is None:
        raise ValueError("PNG without a header")
    width, height, depth, colour, _, _, interlaced = header
    if depth != 8 or colour not in CHANNELS or interlaced:
        raise ValueError("this kind of PNG is not supported")
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(f"{width} x {height} pixels")
    channels = CHANNELS[colour]
    try:
        raw = zlib.decompress(data)
    except zlib.error as problem:
        raise ValueError(f"broken PNG: {problem}") from None
    stride = width * channels
    if len(raw) != (stride + 1) * height:
        raise ValueError("broken PNG: pixels are missing")
    rows, above = [], bytes(stride)
    for at in range(0, len(raw), stride + 1):
        above = unfilter(raw[at], raw[at + 1 : at + 1 + stride], above, channels)
        rows.append(above)
    return Picture(width, height, channels, rows)


def chunks(b):
    while b:
        if len(b) < 12:
            raise ValueError("broken PNG: it ends early")
        (length,) = struct.unpack(">I", b[:4])
        kind, content, sum = b[4:8], b[8 : 8 + length], b[8 + length : 12 + length]
        if len(sum) < 4 or zlib.crc32(kind + content) != struct.unpack(">I", sum)[0]:
            raise ValueError("broken PNG: wrong checksum")
        yield kind, content
        b = b[12 + length :]


def unfilter(kind, line, above, n):
    """Undoes a row's filter; n is the number of bytes of a pixel."""
    if kind == 0:
        return line
    if kind == 2:
        return bytes((a + b) & 255 for a, b in zip(line, above))
    out = bytearray(len(line))
    for i, v in enumerate(line):
        left, up = (out[i - n] if i >= n else 0), above[i]
        if kind == 1:
            v += left
        elif kind == 3:
            v += (left + up) // 2
        elif kind == 4:
            v += paeth(left, up, above[i - n] if i >= n else 0)
        else:
            raise ValueError("broken PNG: unknown filter")
        out[i] = v & 255
    return bytes(out)


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    if pa <= pb and pa <= pc:
        return a
    return b if pb <= pc else c
