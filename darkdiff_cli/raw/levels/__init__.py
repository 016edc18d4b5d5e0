"""Black and white level of a frame: what the file says, put right by what the sensor's own pixels show."""

from darkdiff_cli.raw.levels.black import black_level
from darkdiff_cli.raw.levels.readout import Readout, sensor_dn
from darkdiff_cli.raw.levels.white import white_level

__all__ = ["Readout", "black_level", "sensor_dn", "white_level"]
