"""The header of a JPEG XL codestream, as far as its transfer function (ISO/IEC 18181-1, 5.3 and annexes D and E)."""

SIGNATURE = b"\xff\x0a"
LINEAR, SRGB = 8, 13  # transfer functions, numbered as in ISO/IEC 23091-2
SIDES = ((0, 9), (0, 13), (0, 18), (0, 30))
DEPTHS = ((8, 0), (10, 0), (12, 0), (1, 6))
CHANNELS = ((0, 0), (1, 0), (2, 4), (1, 12))
ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))


class _Bits:
    """Reads a codestream bit by bit, the lowest of a byte first."""

    def __init__(self, codestream: bytes) -> None:
        self.value, self.place = int.from_bytes(codestream[:64], "little"), 8 * len(SIGNATURE)

    def read(self, count: int) -> int:
        found = self.value >> self.place & (1 << count) - 1
        self.place += count
        return found

    def choice(self, cases: tuple[tuple[int, int], ...]) -> int:
        """U32: two bits choose an offset and the bits of what is added to it."""
        offset, count = cases[self.read(2)]
        return offset + self.read(count)


def called_srgb(codestream: bytes) -> bytes:
    """A lossy picture of linear light in sRGB's primaries whose values are to be shown under sRGB's curve.

    A lossy picture is stored as XYB, which says how it looks; the transfer function only says which values a decoder
    gives. libjxl's encoder is told that 16 bits are linear light, and a reader without colour management would show
    them too dark.

    Raises:
        ValueError: the codestream is none of linear light, or has a header of another kind.
    """
    bits = _Bits(codestream)
    _skip_size(bits)
    samples = bits.read(1), bits.read(1), bits.read(1), bits.choice(DEPTHS)  # defaults; animation; floats; bits
    bits.read(1)  # whether 16 bits are enough for what decodes it
    stored = bits.choice(CHANNELS), bits.read(1), bits.read(1), bits.read(1)  # more of them; XYB; defaults; ICC
    colours = bits.choice(ENUM), bits.choice(ENUM), bits.choice(ENUM), bits.read(1)  # RGB, D65, sRGB; an exponent
    place = bits.place + 2  # both transfer functions are offset 2 and four bits
    known = (samples, stored, colours) == ((0, 0, 0, 16), (0, 1, 0, 0), (0, 1, 1, 0))
    if not codestream.startswith(SIGNATURE) or not known or bits.choice(ENUM) != LINEAR:
        raise ValueError("a JPEG XL of an unknown header")
    changed = bits.value ^ ((LINEAR - 2) ^ (SRGB - 2)) << place
    length = min(64, len(codestream))
    return changed.to_bytes(length, "little") + codestream[length:]


def _skip_size(bits: _Bits) -> None:
    small = bits.read(1)

    def side() -> None:
        if small:
            bits.read(5)
        else:
            bits.choice(SIDES)

    side()
    if bits.read(3) == 0:  # no ratio of the sides, so the width is said
        side()
