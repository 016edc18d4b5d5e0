from dataclasses import replace

import numpy as np
import pytest
import torch

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.datasets import PhotoPairs
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.photos import defocused
from darkdiff_cli.errors import InputError

SETTINGS = SynthesisSettings(ratio_range=(100.0, 300.0), bright_share=0.0)


def test_items_are_the_same_whoever_draws_them(photo_folder) -> None:
    first, second = (PhotoPairs(photo_folder, SETTINGS, crop=32)[7] for _ in range(2))
    assert torch.equal(first.noisy, second.noisy)
    assert first.names == second.names


def test_reference_is_the_rendering_of_the_clean_lrgb(photo_folder) -> None:
    from darkdiff_cli.colour import srgb_encode

    pair = PhotoPairs(photo_folder, SETTINGS, crop=32)[0]
    assert np.allclose(srgb_encode(pair.clean.numpy()), pair.reference.numpy(), atol=1e-6)


def test_noisy_image_is_the_clean_one_plus_zero_mean_noise(photo_folder) -> None:
    pairs = [PhotoPairs(photo_folder, SETTINGS, crop=64)[i] for i in range(24)]
    bias = np.mean([float((p.noisy - p.clean).mean()) for p in pairs])
    assert abs(bias) < 0.03
    assert min(float(p.noisy.min()) for p in pairs) < 0


def test_a_photograph_out_of_focus_keeps_its_light_and_loses_its_detail() -> None:
    sharp = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    soft = defocused(sharp, 4.0)
    np.testing.assert_allclose(srgb_decode(soft).mean(axis=(0, 1)), srgb_decode(sharp).mean(axis=(0, 1)), rtol=0.01)
    assert soft.std() < 0.1 * sharp.std()


def test_a_share_of_the_photographs_is_out_of_focus(photo_folder) -> None:
    sharp, soft = (
        [PhotoPairs(photo_folder, replace(SETTINGS, defocus_share=share), 32)[i].reference for i in range(16)]
        for share in (0.0, 1.0)
    )
    rough = [float(torch.stack([p.diff(dim=2).abs().mean() for p in part]).mean()) for part in (sharp, soft)]
    assert rough[1] < 0.7 * rough[0]


def test_splits_share_no_photograph(photo_folder) -> None:
    train, held_out = (PhotoPairs(photo_folder, SETTINGS, 32, split=s) for s in ("train", "validation"))
    assert len(held_out.paths) == 2
    assert not set(train.paths) & set(held_out.paths)


def test_excluded_photographs_stay_out(photo_folder) -> None:
    settings = SynthesisSettings(exclude=("03.png",))
    assert "03.png" not in [p.name for p in PhotoPairs(photo_folder, settings, 32).paths]


def test_unusable_folders_are_one_sentence(tmp_path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        PhotoPairs(tmp_path / "nowhere", SETTINGS, 32)
    with pytest.raises(InputError, match="no photographs"):
        PhotoPairs(tmp_path, SETTINGS, 32)


def test_too_small_photograph_is_named(photo_folder) -> None:
    with pytest.raises(InputError, match="smaller than a crop"):
        PhotoPairs(photo_folder, SETTINGS, crop=512)[0]


def test_damaged_photograph_is_named(tmp_path) -> None:
    for index in range(2):
        (tmp_path / f"{index}.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be decoded"):
        PhotoPairs(tmp_path, SETTINGS, 32)[0]
