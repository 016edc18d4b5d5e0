"""OURS: from the half-size picture and the sensor's mosaic to a picture of the sensor's size."""

from darkdiff_models.detail.network import Detail
from darkdiff_models.detail.samples import Samples

__all__ = ["Detail", "Samples"]
