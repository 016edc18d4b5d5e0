"""What a pair holds in each data format, and how pairs are put together."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.datasets import Pair, collate
from darkdiff_cli.datasets.pairs import make_pair
from darkdiff_cli.datasets.rawpairs import exposure_ratio, metered_by
from darkdiff_cli.raw import RawFrame, develop, network_input, read_raw


def chw(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1))


@pytest.fixture
def frames(dark_dng, shoot, tmp_path) -> tuple[RawFrame, RawFrame]:
    """A dark and a well-exposed frame of the same scene."""
    return read_raw(dark_dng), read_raw(shoot(tmp_path / "clean.dng", 1.0, 1.0))


@pytest.mark.parametrize("space", ["srgb", "camera"])
@pytest.mark.parametrize("form", ["lrgb-srgb", "raw-srgb", "raw-raw"])
def test_the_dark_frame_is_amplified_and_the_clean_one_is_the_reference(form, space, frames) -> None:
    dark, clean = frames
    pair = make_pair(dark, 200.0, clean, "scene", space, form)
    tidy = network_input(clean, 1.0, space, form)
    shown = tidy if form == "raw-raw" else develop(clean, 1.0, "srgb").pixels  # always shown in sRGB
    assert torch.equal(pair.noisy, chw(network_input(dark, 200.0, space, form)))
    assert torch.equal(pair.clean, chw(tidy))
    assert torch.equal(pair.reference, chw(srgb_encode(shown)))
    assert pair.names == ("scene",)


def test_colours_are_registered_where_that_is_asked(frames) -> None:
    dark, clean = frames
    target = np.full((*clean.lrgb_shape, 3), 0.5, np.float32)
    pair = make_pair(dark, 200.0, clean, "scene", "srgb", "lrgb-srgb", target, register_colours=True)
    for image, frame, ratio in ((pair.noisy, dark, 200.0), (pair.clean, clean, 1.0)):
        assert torch.equal(image, chw(develop(frame, ratio, register_colours=True).pixels))
        assert not torch.equal(image, chw(develop(frame, ratio).pixels))
    assert torch.equal(pair.reference, chw(target))


def test_a_dark_frame_takes_white_balance_and_matrix_of_the_clean_one(frames) -> None:
    dark, clean = frames
    assert clean.srgb_from_camera is not None
    clean = replace(clean, white_balance=(1.5, 1.0, 2.5), srgb_from_camera=2 * clean.srgb_from_camera)
    metered = metered_by(dark, clean)
    assert metered.white_balance == (1.5, 1.0, 2.5)
    assert np.array_equal(metered.srgb_from_camera, clean.srgb_from_camera)
    assert np.array_equal(metered.mosaic_dn, dark.mosaic_dn)
    assert metered.black_level == dark.black_level


def test_the_ratio_is_iso_times_time_of_the_clean_frame_over_the_dark_ones(frames) -> None:
    dark, clean = frames  # 1/30 s at ISO 3200, 1 s at ISO 100
    assert exposure_ratio(dark, clean) == pytest.approx(100 * 1.0 / (3200 / 30), rel=1e-6)


def test_a_pair_takes_the_images_of_another_where_its_own_are() -> None:
    own, other = (Pair(*torch.rand(3, 1, 3, 8, 8), (name,)) for name in ("own", "other"))
    places = [image.data_ptr() for image in (own.noisy, own.clean, own.reference)]
    own.take(other)
    for mine, its in ((own.noisy, other.noisy), (own.clean, other.clean), (own.reference, other.reference)):
        assert torch.equal(mine, its)
    assert [image.data_ptr() for image in (own.noisy, own.clean, own.reference)] == places
    assert own.names == ("own",)


def test_a_batch_keeps_its_order_and_all_names() -> None:
    pairs = [Pair(*torch.rand(3, 3, 8, 8), (name,)) for name in "abc"]
    batch = collate(pairs)
    assert batch.names == ("a", "b", "c")
    for index, pair in enumerate(pairs):
        assert torch.equal(batch.noisy[index], pair.noisy)
        assert torch.equal(batch.clean[index], pair.clean)
        assert torch.equal(batch.reference[index], pair.reference)
