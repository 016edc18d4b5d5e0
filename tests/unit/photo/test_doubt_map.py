"""The picture of the map and its legend."""

from pathlib import Path

import numpy as np
from PIL import Image

from darkdiff_cli.photo.doubt_map import LEAST, LEGEND, MOST, STOPS, coloured, write_doubt_map


def test_colours_are_those_of_the_scale() -> None:
    middle = (LEAST * MOST) ** 0.5
    colours = coloured(np.array([[0.0, LEAST, middle, MOST, 1.0]], np.float32))[0].tolist()
    assert colours[:2] == [list(STOPS[0])] * 2
    assert colours[3:] == [list(STOPS[-1])] * 2
    assert np.abs(np.array(colours[2]) - np.mean(STOPS[2:4], axis=0)).max() <= 1


def test_the_map_has_the_photos_size_and_a_legend_below(tmp_path: Path) -> None:
    doubt = np.full((40, 200), LEAST, np.float32)
    doubt[:, 100:] = MOST
    write_doubt_map(tmp_path / "map.png", doubt, (81, 401))
    with Image.open(tmp_path / "map.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape == (81 + LEGEND, 401, 3)
    assert pixels[40, 20].tolist() == list(STOPS[0])
    assert pixels[40, 380].tolist() == list(STOPS[-1])
    scale = pixels[81 + 32, 12:371]
    assert scale[0].tolist() == list(STOPS[0])
    assert scale[-1].tolist() == list(STOPS[-1])
    assert (pixels[81:].max(axis=2) == 255).any()  # words
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]
