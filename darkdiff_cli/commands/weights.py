"""The LPIPS weights that `train` and `bench` share: the user's file, or the public originals in the cache."""

from pathlib import Path


def lpips_file(given: Path | None) -> Path:
    """The user's file where there is one, else the public weights, downloaded once.

    Raises:
        FileNotFoundError: they cannot be downloaded.
        ValueError: what came is not the published weights.
    """
    import platformdirs

    from darkdiff_models.learning.lpips_weights import fetch_lpips

    return given or fetch_lpips(platformdirs.user_cache_path("darkdiff") / "lpips_alex.safetensors")
