import pytest
import torch

from darkdiff_cli.datasets import MosaicCache, Pair, RawPair, RawPairs, Source, SynthesisSettings, collate, parse_data
from darkdiff_cli.errors import InputError, SettingsError


def make(height: int, width: int) -> Pair:
    return Pair(*(torch.rand(3, height, width) for _ in range(3)), ("a",))


@pytest.mark.parametrize("size", range(33, 50))
def test_padding_reaches_the_next_multiple_and_keeps_the_picture(size: int) -> None:
    pair = make(size, 48)
    padded = pair.padded(16)
    assert padded.noisy.shape == (3, -(-size // 16) * 16, 48)
    assert torch.equal(padded.reference[:, :size], pair.reference)
    assert torch.equal(padded.clean[:, -1], pair.clean[:, -1])


def test_turning_moves_all_three_images_alike() -> None:
    pair = make(12, 12)
    turned = pair.turned(flip=True, transpose=True)
    for name in ("noisy", "clean", "reference"):
        assert torch.equal(getattr(turned, name), getattr(pair, name).flip(-1).transpose(-1, -2))


def test_crops_of_unequal_size_are_refused_in_one_sentence() -> None:
    with pytest.raises(InputError, match="not all as large as the recipe's crop"):
        collate([make(8, 12), make(8, 8)])
    tall = make(8, 12).turned(flip=False, transpose=True)
    assert tall.noisy.shape == (3, 8, 12)  # exchanging rows and columns would change the size


def test_every_pair_comes_once_an_epoch_in_a_new_order(shoot, tmp_path, cache) -> None:
    clean = shoot(tmp_path / "clean.dng", 1.0, 1.0)
    pairs = [RawPair(shoot(tmp_path / f"{n}.dng", 10.0, 0.1), clean, f"scene{n}", 10.0) for n in range(5)]
    data = RawPairs(pairs, 16, 0, "srgb", "lrgb-srgb", cache)
    epochs = [[data[5 * epoch + place].names[0] for place in range(5)] for epoch in range(3)]
    assert all(sorted(names) == sorted(epochs[0]) and len(set(names)) == 5 for names in epochs)
    assert epochs[0] != epochs[1] or epochs[1] != epochs[2]


def test_a_pair_of_two_sizes_is_refused(shoot, dark_dng, tmp_path, shared, cache) -> None:
    other = next((shared / "scenes_dev").glob("*_clean.dng"))
    data = RawPairs([RawPair(dark_dng, other, "odd", 10.0)], 16, 0, "srgb", "lrgb-srgb", cache)
    with pytest.raises(InputError, match="not of the size of its reference"):
        data[0]


def test_data_is_a_kind_and_a_folder(tmp_path) -> None:
    assert parse_data("sid:/data/SID")[0] == "sid"
    for wrong in ("sid", "sid:", "kodak:/data"):
        with pytest.raises(SettingsError, match="must be one of photos:DIR, raws:DIR, sid:DIR, lrd:DIR"):
            parse_data(wrong)
    assert parse_data("eld:/data/ELD")[0] == "eld"  # which `Source` refuses with the reason
    for name in ("a" * 5000, "a/b" * 2000, "\0"):
        with pytest.raises(SettingsError, match=r"^--data raws: the folder '") as failure:
            parse_data(f"raws:{name}")
        assert len(str(failure.value)) < 200
    source = Source((("eld", tmp_path),), SynthesisSettings(), 0, "srgb", "lrgb-srgb", MosaicCache(tmp_path))
    with pytest.raises(SettingsError, match="no training scenes"):
        source.open("train", 32)
