"""Settings of glibc's memory allocator for large pictures."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # mallopt(3)


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next allocation, for the rest of this process.

    By default every block above 32 MiB is mapped from the kernel, which clears it page by page, and returned when it is
    freed; on large photos that can take as long as the arithmetic. With another C library this does nothing.
    """
    with suppress(AttributeError, OSError, TypeError):  # no glibc: musl, macOS, Windows
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, -1)
        library.mallopt(M_ARENA_MAX, 1)  # what one thread has freed another takes; else each keeps its own peak
