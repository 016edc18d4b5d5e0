"""Where compiled networks are kept, so that the next run of the program finds them."""

import os

import platformdirs


def keep_compiled_networks() -> None:
    """Have torch keep what it compiles in the user's cache; call it before torch is imported.

    Torch's own place is the system's temporary folder, which is emptied; it stays where the cache cannot be written to.
    What the environment says already holds.
    """
    folder = platformdirs.user_cache_path("darkdiff") / "compiled"
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    # Torch makes the folder as soon as it is imported, and fails where it cannot.
    if there.is_dir() and os.access(there, os.W_OK):
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    os.environ.setdefault("TORCHINDUCTOR_FX_GRAPH_CACHE", "1")
