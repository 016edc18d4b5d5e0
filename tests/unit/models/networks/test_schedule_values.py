"""Stable Diffusion's noise schedule by its numbers, and what sampling leaves alone."""

import pytest
import torch

from darkdiff_models.networks.sampling import guide, make_scheduler, sample, sd_schedule


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_betas_are_squares_of_a_line_from_00085_to_012(kind: str) -> None:
    roots = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64)
    schedule = sd_schedule(kind)
    assert torch.allclose(schedule.alphas_cumprod.double(), (1 - roots**2).cumprod(0), rtol=1e-4)
    assert float(schedule.alphas_cumprod[999]) == pytest.approx(0.00466, abs=1e-5)
    assert schedule.config["prediction_type"] == kind


def test_sampling_ends_in_the_noise_of_the_first_timestep_and_starts_in_that_of_the_last() -> None:
    schedule = sd_schedule("epsilon")
    assert float(schedule.final_alpha_cumprod) == pytest.approx(1 - 0.00085, abs=1e-6)
    schedule.set_timesteps(4)
    assert schedule.timesteps.tolist() == [999, 749, 499, 249]
    assert not schedule.config["clip_sample"]


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
def test_the_scheduler_that_is_given_is_not_stepped(sampler: str) -> None:
    scheduler = make_scheduler(dict(sd_schedule("epsilon").config), sampler)
    before = scheduler.timesteps.clone()
    noise = torch.randn(1, 4, 2, 2)
    first, second = (sample(lambda z, t: 0.1 * z, noise, scheduler, 3) for _ in range(2))
    assert torch.equal(scheduler.timesteps, before)
    assert torch.equal(first, second)


def test_one_ddim_step_is_eq_12_of_its_paper() -> None:
    """Song et al. 2021 with eta 0, from the last timestep to the schedule's first noise."""
    scheduler = make_scheduler(dict(sd_schedule("epsilon").config))
    noise, epsilon = torch.randn(1, 4, 2, 2), torch.full((1, 4, 2, 2), 0.3)
    start, end = scheduler.alphas_cumprod[999], scheduler.alphas_cumprod[0]
    guess = (noise - (1 - start).sqrt() * epsilon) / start.sqrt()
    expected = end.sqrt() * guess + (1 - end).sqrt() * epsilon
    assert torch.allclose(sample(lambda z, t: epsilon, noise, scheduler, 1), expected, atol=1e-4)


def test_guidance_is_a_line_from_null_through_the_condition() -> None:
    null, conditional = torch.tensor([1.0, -2.0]), torch.tensor([3.0, -1.0])
    assert guide(conditional, null, 2.5).tolist() == [6.0, 0.5]
