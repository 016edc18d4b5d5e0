"""What a training pair asks for: what the lens shows, with its colours in register."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair, PhotoPairs, SynthesisSettings
from darkdiff_cli.datasets.raws import CleanRaws
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.synthesis import Lens
from darkdiff_models.finishing.block_light import decode_curve

CROP, RIM = 16, 4
BRIGHT = SynthesisSettings(
    ratio_range=(1.0, 1.01), bright_share=0.0, gain_range=(0.1, 0.1), exposure_range=(0.4, 0.4), reduced_share=0.0
)
SHARP = Lens(0.0)
SOFT = Lens(0.7)
FRINGED = Lens(0.7, red=(0.0, 1.0), blue=(1.0, 0.0))


@pytest.fixture(params=["photos", "raws"])
def data(request, photo_folder: Path, shoot, tmp_path: Path, cache) -> Dataset[Pair]:
    """Photographs and raws as training sees them."""
    if request.param == "photos":
        return PhotoPairs(photo_folder, BRIGHT, CROP, form=Form(full_size=True))
    for number in range(2):
        shoot(tmp_path / "mine" / f"{number}.dng", 1.0, 1.0)
    return CleanRaws(tmp_path / "mine", BRIGHT, CROP, 0, "train", Form(full_size=True), cache)


def shown(data: Dataset[Pair], index: int) -> tuple[np.ndarray, np.ndarray]:
    """(2h, 2w, 3) linear light of the truth, and of what the photosites saw of it, each where it saw."""
    pair = data[index]
    assert pair.full is not None
    truth, samples = pair.full.truth, pair.full.samples
    camera = torch.einsum("ij,jhw->ihw", torch.linalg.inv(samples.srgb_from_camera), decode_curve(truth))
    beside = (samples.colours - camera.clamp(0, 1)) * samples.mask
    return decode_curve(truth).permute(1, 2, 0).numpy(), beside.permute(1, 2, 0).numpy()


def laid_like(picture: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The picture in the turn that fits the other best: noise draws the turn of a raw anew."""
    turns = [np.rot90(flipped, quarter) for flipped in (picture, picture[:, ::-1]) for quarter in range(4)]
    return min(turns, key=lambda turn: float(np.abs(turn - other).mean()))


def test_the_truth_is_as_soft_as_the_lens(data: Dataset[Pair], through: Callable[[Lens], None]) -> None:
    through(SHARP)
    sharp = [shown(data, index)[0] for index in range(6)]
    through(SOFT)
    rough, soft = [], []
    for index, before in enumerate(sharp):
        expected = gaussian_filter(before, sigma=(SOFT.blur, SOFT.blur, 0.0), mode="reflect")
        truth = laid_like(shown(data, index)[0], expected)
        np.testing.assert_allclose(truth[RIM:-RIM, RIM:-RIM], expected[RIM:-RIM, RIM:-RIM], atol=5e-3)
        rough.append(np.square(np.diff(before, axis=0)).mean())
        soft.append(np.square(np.diff(truth, axis=0)).mean())
    assert np.mean(soft) < 0.8 * np.mean(rough)


def test_the_mosaic_has_fringes_and_the_truth_has_none(data: Dataset[Pair], through: Callable[[Lens], None]) -> None:
    through(SOFT)
    plain = [shown(data, index) for index in range(6)]
    through(FRINGED)
    fringed = [shown(data, index) for index in range(6)]
    for (truth, _), (other, _) in zip(plain, fringed, strict=True):
        assert np.array_equal(laid_like(other, truth), truth)
    red, green, blue = np.square([beside for _, beside in fringed]).mean(axis=(0, 1, 2))
    plain_red, _, plain_blue = np.square([beside for _, beside in plain]).mean(axis=(0, 1, 2))
    assert red > 4 * plain_red
    assert blue > 4 * plain_blue
    assert green < 0.6 * min(red, blue)  # the sensor's green sees a little of the scene's red and blue
