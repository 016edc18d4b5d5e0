"""How the C library hands out the memory of large pictures."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # mallopt(3)


def keep_freed_memory() -> None:
    """Let glibc keep what the networks free for their next map, for the rest of this process.

    By default every map above 32 MiB is mapped anew from the kernel, which clears it page by page, and given back at
    once; on large photos that can take as long as the arithmetic. Where the C library is another, nothing happens.
    """
    with suppress(AttributeError, OSError, TypeError):  # no glibc: musl, macOS, Windows
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, -1)
