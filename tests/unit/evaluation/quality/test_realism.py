"""The distance of sets of pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from darkdiff_cli.evaluation.quality.realism import (
    PATCH,
    Features,
    features_path,
    kernel_distance,
    kernel_terms,
    kid,
    patch_features,
)
from darkdiff_models.learning.lpips import LPIPS


@pytest.fixture(scope="module")
def vgg() -> LPIPS:
    """Random weights: what counts here is what is made of the activations."""
    torch.manual_seed(0)
    return LPIPS("vgg")


def test_the_distance_of_two_points_and_two_points_by_hand() -> None:
    """d = 2; x = (2, 0), (0, 2); y = (2, 2), (0, 0).

    k(x1, x2) = (0 / 2 + 1)^3 = 1 and k(y1, y2) = 1; k(x1, y2) = k(x2, y2) = 1; k(x1, y1) = k(x2, y1) = (4 / 2 + 1)^3 =
    27. Of the terms with i != j, h12 = 1 + 1 - k(x1, y2) - k(y1, x2) = 2 - 1 - 27 = -26, and h21 is the same.
    """
    x, y = np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([[2.0, 2.0], [0.0, 0.0]])
    assert kernel_terms(x, y).tolist() == [[0.0, -26.0], [-26.0, 0.0]]
    assert kernel_distance(x, y) == pytest.approx(-26.0)
    assert kernel_distance(x, x) == 0.0
    # The third is (1, 1) and (0, 2): h31 = 8 + 1 - k(x3, y1) - k(y3, x1) = 9 - 27 - 1, h32 = 8 + 1 - 1 - 27.
    terms = kernel_terms(np.vstack([x, [1.0, 1.0]]), np.vstack([y, [0.0, 2.0]]))
    assert terms[2].tolist() == terms[:, 2].tolist() == [8 + 27 - 27 - 1, 8 + 1 - 1 - 27, 0.0]


def test_two_halves_of_one_distribution_are_at_no_distance_and_others_at_some() -> None:
    rng = np.random.default_rng(0)
    values = [kernel_distance(*rng.normal(0.5, 1, (2, 200, 16))) for _ in range(40)]
    spread = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * spread  # unbiased: below zero as often as above
    assert min(values) < 0 < max(values)
    shifted = kernel_distance(rng.normal(0.5, 1, (200, 16)), rng.normal(0.9, 1, (200, 16)))
    assert shifted > 10 * np.std(values)


def test_the_jackknife_leaves_out_one_picture_after_the_other() -> None:
    rng = np.random.default_rng(0)
    pictures = [Features(*rng.normal(0.5, 1, (2, count, 8)).astype(np.float32)) for count in (3, 1, 4, 2)]

    def of(chosen: list[Features]) -> float:
        first = np.concatenate([p.picture for p in chosen])
        return 1000 * kernel_distance(first, np.concatenate([p.reference for p in chosen]))

    without = [of([other for other in pictures if other is not picture]) for picture in pictures]
    error = np.sqrt(3 / 4 * np.sum((np.array(without) - np.mean(without)) ** 2))
    found = kid([*pictures, Features(np.empty((0, 8)), np.empty((0, 8)))])
    assert found == pytest.approx(
        {"mean": of(pictures), "low": of(pictures) - 1.96 * error, "high": of(pictures) + 1.96 * error, "count": 4}
    )
    assert kid(pictures[:1]) is None
    assert kid(pictures[1:2] * 2) is None
    assert kid([]) is None


@pytest.mark.parametrize(
    ("shape", "tops", "lefts"),
    [
        ((64, 130), [0], [0, 66]),
        ((200, 64), [0, 68, 136], [0]),
        ((100, 127), [0], [0]),
        ((63, 500), [], [0, 73, 145, 218, 291, 363, 436]),
    ],
)
def test_patches_lie_over_the_picture_and_a_feature_is_the_mean_of_a_channel(shape, tops, lefts, vgg: LPIPS) -> None:
    picture = np.random.default_rng(0).uniform(0, 1, (*shape, 3)).astype(np.float32)
    features = patch_features(picture, vgg)
    assert features.shape == (len(tops) * len(lefts), 512)
    for row, (top, left) in zip(features, [(t, x) for t in tops for x in lefts], strict=True):
        patch = torch.from_numpy(picture[top : top + PATCH, left : left + PATCH].transpose(2, 0, 1).copy())[None]
        assert row == pytest.approx(vgg.activations(patch, 4)[0].mean(dim=(1, 2)).numpy(), rel=1e-3, abs=1e-6)


def test_features_are_kept_whole_or_are_not_there(tmp_path: Path) -> None:
    path = features_path(tmp_path, "scenes v2", "tiny", "a")
    assert Features.read(path) is None
    features = Features(*np.random.default_rng(0).normal(0, 1, (2, 3, 5)).astype(np.float32))
    features.write(path)
    found = Features.read(path)
    assert found is not None
    assert np.array_equal(found.picture, features.picture)
    assert np.array_equal(found.reference, features.reference)
    path.write_bytes(path.read_bytes()[:-30])
    assert Features.read(path) is None
    others = [features_path(tmp_path, *words) for words in (("scenes v2", "tiny", "b"), ("scenes v1", "tiny", "a"))]
    assert len({path, *others}) == 3


def test_blurred_pictures_are_farther_from_real_ones(shared: Path) -> None:
    import imageio.v3 as iio

    network = LPIPS.from_file(shared / "weights" / "lpips_vgg.safetensors", "vgg")
    paths = sorted((shared / "scenes_full").glob("*_truth.png"))
    truths = [iio.imread(path)[:192, :192].astype(np.float32) / 255 for path in paths]
    references = [patch_features(truth, network) for truth in truths]

    def distance(change) -> dict[str, float]:
        found = kid([Features(patch_features(change(t), network), r) for t, r in zip(truths, references, strict=True)])
        assert found is not None
        return found

    same, soft, softer = (distance(lambda t, s=s: gaussian_filter(t, (s, s, 0))) for s in (0.0, 1.0, 2.0))
    assert same == pytest.approx({"mean": 0.0, "low": 0.0, "high": 0.0, "count": 7}, abs=1e-9)
    assert 0 < soft["low"] < soft["mean"] < softer["mean"]
