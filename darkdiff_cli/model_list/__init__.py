"""The models on this machine: bundled, the user's own, and downloads in caches. Loads no torch."""

from darkdiff_cli.model_list.downloads import clear_cache
from darkdiff_cli.model_list.listed import ListedModel
from darkdiff_cli.model_list.listing import Listing, list_models

__all__ = ["ListedModel", "Listing", "clear_cache", "list_models"]
