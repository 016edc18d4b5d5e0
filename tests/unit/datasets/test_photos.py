import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.datasets import PhotoPairs, collate
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.kept import KeptPairs
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.errors import InputError
from darkdiff_models.detail.samples import halved

SETTINGS = SynthesisSettings(ratio_range=(100.0, 300.0), bright_share=0.0)
EVEN = replace(SETTINGS, exposure_range=(0.5, 0.5))


def test_items_are_the_same_whoever_draws_them(photo_folder) -> None:
    first, second = (PhotoPairs(photo_folder, SETTINGS, crop=32)[7] for _ in range(2))
    assert torch.equal(first.noisy, second.noisy)
    assert first.names == second.names


@pytest.mark.usefixtures("perfect_lens")
def test_reference_is_the_light_of_each_quad_and_not_its_sites(tmp_path) -> None:
    """A checkerboard as fine as the sensor: each site sees one field, the reference all four."""
    import imageio.v3 as iio

    fields = np.indices((96, 96)).sum(axis=0) % 2
    for index in range(3):
        iio.imwrite(tmp_path / f"{index}.png", np.repeat(np.uint8(255 * fields)[..., None], 3, axis=2))
    plain = SynthesisSettings(ratio_range=(100.0, 101.0), bright_share=0.0, exposure_range=(0.5, 0.5))
    pair = PhotoPairs(tmp_path, plain, crop=40)[1]
    assert pair.reference.std() < 1e-6
    assert float(pair.reference.mean()) == pytest.approx(float(srgb_encode(np.float32(0.25))), abs=2e-3)


def test_full_size_is_the_same_scene(photo_folder) -> None:
    """Mosaic, half-size picture and truth of one item show the same light in the same places."""
    bright = SynthesisSettings(ratio_range=(1.0, 1.01), bright_share=0.0, gain_range=(0.1, 0.1), xtrans_share=0.5)
    pairs = [PhotoPairs(photo_folder, bright, crop=32, form=Form(full_size=True))[index] for index in range(8)]
    for pair in pairs:
        assert pair.full is not None
        samples, truth = pair.full.samples, pair.full.truth
        assert samples.colours.shape == samples.mask.shape == truth.shape == (3, 64, 64)
        assert (samples.mask.sum(dim=0) == 1).all()
        assert torch.allclose(halved(truth[None])[0], pair.reference, atol=1e-5)
        matrix = torch.linalg.inv(samples.srgb_from_camera)
        seen = torch.einsum("ij,jhw->ihw", matrix, torch.from_numpy(srgb_decode(truth.numpy()))).clamp(0, 1)
        difference = ((samples.colours - seen) * samples.mask)[:, 4:-4, 4:-4]
        assert float(difference.abs().median()) < 0.02


def test_a_quad_bayer_sensor_sees_the_same_scene_in_squares(photo_folder) -> None:
    """LRGB has a quarter of its sides: each pixel is there four times, so that pairs of all filters have one size."""
    bright = SynthesisSettings(ratio_range=(1.0, 1.01), bright_share=0.0, gain_range=(0.1, 0.1), quad_share=1.0)
    pair = PhotoPairs(photo_folder, bright, crop=32, form=Form(full_size=True))[3]
    assert pair.full is not None
    batch = collate([pair, pair])
    assert batch.full is not None
    assert batch.full.samples.in_squares.tolist() == [True, True]
    for image in (pair.noisy, pair.clean):
        assert image.shape == (3, 32, 32)
        assert torch.equal(image, image[:, ::2, ::2].repeat_interleave(2, dim=1).repeat_interleave(2, dim=2))
    pixels = srgb_decode(halved(pair.reference[None]).numpy())[0]
    seen = pair.noisy[:, ::2, ::2].numpy()
    aside = min(
        np.abs(np.roll(seen, shift, axis=axis) - pixels)[:, 2:-2, 2:-2].mean() for shift in (-1, 1) for axis in (1, 2)
    )
    assert np.abs(seen - pixels)[:, 2:-2, 2:-2].mean() < 0.6 * aside
    assert float(np.abs(halved(pair.full.truth[None])[0] - pair.reference).max()) < 1e-5


def test_at_half_size_quad_bayer_is_bayer(photo_folder) -> None:
    none, all_of_it = (
        PhotoPairs(photo_folder, replace(SETTINGS, quad_share=share), crop=32)[3] for share in (0.0, 1.0)
    )
    assert torch.equal(none.noisy, all_of_it.noisy)


def test_the_network_is_told_of_the_noise_with_an_error(photo_folder) -> None:
    dark = SynthesisSettings(ratio_range=(200.0, 200.01), bright_share=0.0, gain_range=(1.0, 1.0))
    gains = []
    for index in range(40):
        full = PhotoPairs(photo_folder, dark, crop=32, form=Form(full_size=True))[index].full
        assert full is not None
        gains.append(float(full.samples.noise[1, 0]) / (200 / (16383 - 512)))
    assert np.mean(np.log(gains)) == pytest.approx(0.0, abs=0.08)
    assert np.std(np.log(gains)) == pytest.approx(0.25, abs=0.06)


def test_a_pair_turns_with_everything_it_holds(photo_folder) -> None:
    pair = PhotoPairs(photo_folder, SETTINGS, crop=32, form=Form(full_size=True))[3]
    turned = pair.turned(flip=True, transpose=True)
    assert pair.full is not None
    assert turned.full is not None
    for name in ("noisy", "clean", "reference"):
        assert torch.equal(getattr(turned, name), getattr(pair, name).flip(-1).transpose(-1, -2))
    for before, after in (
        (pair.full.truth, turned.full.truth),
        (pair.full.samples.colours, turned.full.samples.colours),
        (pair.full.samples.mask, turned.full.samples.mask),
    ):
        assert torch.equal(after, before.flip(-1).transpose(-1, -2))
    assert torch.equal(pair.full.samples.noise, turned.full.samples.noise)


def test_kept_pairs_come_again_in_other_positions(photo_folder) -> None:
    pairs = PhotoPairs(photo_folder, SETTINGS, crop=32, form=Form(full_size=True))
    kept = KeptPairs([pairs[0], pairs[1]], crop=32, seed=0)
    again = [kept[index] for index in range(0, 100, 2)]
    assert {pair.names for pair in again} == {pairs[0].names}
    assert len({pair.noisy.numpy().tobytes() for pair in again}) == 8
    assert torch.equal(kept[6].noisy, kept[6].noisy)


def test_kept_pairs_come_again_in_parts_whose_sizes_agree(photo_folder) -> None:
    pair = PhotoPairs(photo_folder, SETTINGS, crop=32, form=Form(full_size=True))[0]
    assert pair.full is not None
    made = replace(pair, full=replace(pair.full, half=pair.reference))
    kept = KeptPairs([made], crop=16, seed=0)
    parts = [kept[index] for index in range(20)]
    assert {tuple(part.noisy.shape) for part in parts} == {(3, 16, 16)}
    assert len({part.noisy.numpy().tobytes() for part in parts}) > 15
    for part in parts:
        assert part.full is not None
        assert part.full.half is not None
        assert torch.equal(part.full.half, part.reference)
        torch.testing.assert_close(halved(part.full.truth[None])[0], part.reference, atol=1e-5, rtol=1e-4)
        assert torch.equal(part.full.samples.mask.sum(dim=0), torch.ones(32, 32))
        assert part.full.samples.colours.shape == part.full.truth.shape == (3, 32, 32)


def test_noisy_image_is_the_clean_one_plus_zero_mean_noise(photo_folder) -> None:
    pairs = [PhotoPairs(photo_folder, SETTINGS, crop=64)[i] for i in range(24)]
    bias = np.mean([float((p.noisy - p.clean).mean()) for p in pairs])
    assert abs(bias) < 0.03
    assert min(float(p.noisy.min()) for p in pairs) < 0


def test_a_share_of_the_photographs_is_out_of_focus(photo_folder) -> None:
    sharp, soft = (
        [PhotoPairs(photo_folder, replace(SETTINGS, defocus_share=share), 32)[i].reference for i in range(16)]
        for share in (0.0, 1.0)
    )
    rough = [float(torch.stack([p.diff(dim=2).abs().mean() for p in part]).mean()) for part in (sharp, soft)]
    assert rough[1] < 0.7 * rough[0]


@pytest.mark.usefixtures("perfect_lens")
@pytest.mark.parametrize(("setting", "rougher"), [({"softness": 3.0}, False), ({"grain": 0.2}, True)])
def test_photographs_are_soft_and_grainy_to_different_degrees(photo_folder, setting, rougher) -> None:
    plain, changed = (
        [PhotoPairs(photo_folder, replace(EVEN, **more), 32, form=Form(full_size=True))[i].full for i in range(16)]
        for more in ({}, setting)
    )
    ratios = [
        float(after.truth.diff(dim=2).abs().mean() / before.truth.diff(dim=2).abs().mean())
        for before, after in zip(plain, changed, strict=True)
        if before is not None and after is not None
    ]
    assert (min(ratios) > 0.999) if rougher else (max(ratios) < 1.001)
    assert abs(np.mean(ratios) - 1) > 0.15
    assert np.std(ratios) > 0.1


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


def test_one_photograph_is_too_few_since_it_is_held_back(tmp_path, photo_folder) -> None:
    shutil.copy(photo_folder / "03.png", tmp_path)
    with pytest.raises(InputError) as failure:
        PhotoPairs(tmp_path, SETTINGS, 16)
    assert str(failure.value) == (
        f"{tmp_path}: holds one photograph only, which is held back for the health checks, as every 20th is; give two "
        "or more."
    )
    shutil.copy(photo_folder / "04.png", tmp_path)
    assert len(PhotoPairs(tmp_path, SETTINGS, 16)) == 1


def test_a_small_photograph_goes_on_as_its_mirror_image(photo_folder) -> None:
    pair = PhotoPairs(photo_folder, SETTINGS, crop=256)[0]
    assert pair.noisy.shape == pair.reference.shape == (3, 256, 256)
    assert float(pair.reference.std()) > 0.05


def test_photographs_that_are_smaller_than_a_crop_are_counted(photo_folder, tmp_path) -> None:
    for index in (3, 4, 5):  # of 192x160
        shutil.copy(photo_folder / f"{index:02d}.png", tmp_path)
    (tmp_path / "05.png").write_bytes(b"no picture")
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    Image.new("RGB", (200, 31)).save(tmp_path / "strip.png")
    assert PhotoPairs(photo_folder, SETTINGS, 80).small() is None
    assert PhotoPairs(tmp_path, SETTINGS, 16).small() == (
        "smaller than the 32 pixels that a crop takes: 2 of 4 photographs, the smallest with 1x1 "
        f"({tmp_path / 'one.png'}); mirror images fill the rest of it."
    )
    one_more = PhotoPairs(tmp_path, SETTINGS, 81).small()
    assert one_more is not None
    assert one_more.startswith("smaller than the 162 pixels that a crop takes: 3 of 4 photographs, ")


def test_damaged_photograph_is_named(tmp_path) -> None:
    for index in range(2):
        (tmp_path / f"{index}.jpg").write_bytes(b"no picture")
    with pytest.raises(
        InputError, match=r"cannot be decoded as a photograph \(it is no picture\); remove or replace it"
    ):
        PhotoPairs(tmp_path, SETTINGS, 32)[0]
