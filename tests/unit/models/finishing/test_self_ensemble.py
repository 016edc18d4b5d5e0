import itertools

import pytest
import torch

from darkdiff_models.finishing.self_ensemble import mean_of_views, turned, turned_back
from darkdiff_models.sampling_settings import MAX_VIEWS


@pytest.mark.parametrize("view", range(MAX_VIEWS))
def test_every_view_is_turned_back(view: int) -> None:
    image = torch.rand(2, 3, 4, 6)
    assert torch.equal(turned_back(turned(image, view), view), image)


def test_views_are_the_symmetries_of_a_square() -> None:
    image = torch.rand(1, 1, 4, 4)
    views = [turned(image, view) for view in range(MAX_VIEWS)]
    assert torch.equal(views[0], image)
    assert torch.equal(views[1], image.flip(3))
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(views, 2))


def test_the_mean_leaves_what_all_views_show_and_halves_the_variance_of_what_they_do_not() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 64, 48, generator=generator)
    assert torch.allclose(mean_of_views(8, lambda view: turned(image, view)), image, atol=1e-6)
    errors = [turned(torch.randn(image.shape, generator=generator), view) for view in range(2)]
    mean = mean_of_views(2, lambda view: turned(image, view) + errors[view])
    assert (mean - image).var() == pytest.approx(0.5, rel=0.05)
