"""Where compiled networks are kept, so that the next run of the program finds them."""

import os

import platformdirs


def keep_compiled_networks() -> None:
    """Have torch keep what it compiles in the user's cache; call it before torch is imported.

    Torch's own place is the system's temporary folder, which is emptied. What the environment says already holds.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(platformdirs.user_cache_path("darkdiff") / "compiled"))
    os.environ.setdefault("TORCHINDUCTOR_FX_GRAPH_CACHE", "1")
