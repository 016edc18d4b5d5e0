from dataclasses import replace

import numpy as np
import torch

from darkdiff_cli.datasets import PhotoPairs
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.drawn import drawn

SETTINGS = SynthesisSettings(ratio_range=(100.0, 300.0), bright_share=0.0)


def drawings(count: int = 40) -> list[np.ndarray]:
    return [drawn(64, np.random.default_rng(seed)) for seed in range(count)]


def test_a_drawing_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    first, again, other = (drawn(64, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_drawings_are_pictures_of_every_level() -> None:
    made = np.stack(drawings())
    assert made.shape == (40, 64, 64, 3)
    assert made.dtype == np.float32
    assert made.min() == 0.0
    assert made.max() == 1.0
    assert made.mean(axis=(1, 2, 3)).std() > 0.1


def test_areas_are_flat_and_some_edges_are_hard() -> None:
    steps = np.abs(np.diff(np.stack(drawings()), axis=2)).max(axis=-1)
    assert np.mean(steps < 0.02) > 0.8
    assert steps.max() > 0.9


def test_some_drawings_are_ground_alone() -> None:
    colours = [len(np.unique(picture.reshape(-1, 3), axis=0)) for picture in drawings()]
    assert colours.count(1) >= 3


def test_a_share_of_the_pictures_is_drawn(photo_folder) -> None:
    for share, least, most in ((0.0, 0, 0), (0.5, 8, 24), (1.0, 32, 32)):
        pairs = PhotoPairs(photo_folder, replace(SETTINGS, drawn_share=share), 32)
        named = sum(pairs[index].names[0].startswith("drawing") for index in range(32))
        assert least <= named <= most


def test_drawn_pairs_are_darkened_like_photographs(photo_folder) -> None:
    pairs = [PhotoPairs(photo_folder, replace(SETTINGS, drawn_share=1.0), 64)[index] for index in range(8)]
    assert all(pair.noisy.shape == pair.reference.shape == (3, 64, 64) for pair in pairs)
    assert min(float(pair.noisy.min()) for pair in pairs) < 0 <= min(float(pair.reference.min()) for pair in pairs)
    assert float(torch.stack([(pair.noisy - pair.clean).mean() for pair in pairs]).mean().abs()) < 0.05
