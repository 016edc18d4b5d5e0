import pytest
import torch

from darkdiff_models.networks.sampling import guide, make_scheduler, predicted_original, sample, training_target

CONFIG = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "clip_sample": False,
    "set_alpha_to_one": False,
}
KINDS = ["epsilon", "v_prediction"]


def oracle(scheduler, target: torch.Tensor):
    """The denoiser that knows the answer: what it predicts leads straight to `target`."""

    def denoise(z_t: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        alpha_bar = scheduler.alphas_cumprod[int(timestep)]
        epsilon = (z_t - alpha_bar.sqrt() * target) / (1 - alpha_bar).sqrt()
        if scheduler.config["prediction_type"] == "epsilon":
            return epsilon
        return alpha_bar.sqrt() * epsilon - (1 - alpha_bar).sqrt() * target

    return denoise


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
@pytest.mark.parametrize("steps", [1, 5, 50])
def test_a_perfect_denoiser_arrives(kind: str, sampler: str, steps: int) -> None:
    scheduler = make_scheduler({**CONFIG, "prediction_type": kind}, sampler)
    target = torch.randn(1, 4, 6, 6)
    result = sample(oracle(scheduler, target), torch.randn(1, 4, 6, 6), scheduler, steps)
    assert torch.allclose(result, target, atol=0.12)  # the last step of the schedule still holds a trace of noise


def test_trailing_spacing_starts_at_the_last_timestep() -> None:
    scheduler = make_scheduler({**CONFIG, "prediction_type": "epsilon"})
    seen: list[int] = []
    sample(lambda z, t: seen.append(int(t)) or z * 0, torch.randn(1, 1, 2, 2), scheduler, 4)
    assert seen == [999, 749, 499, 249]


def test_callback_counts_the_steps() -> None:
    scheduler = make_scheduler({**CONFIG, "prediction_type": "epsilon"})
    calls: list[tuple[int, int]] = []
    sample(lambda z, t: z * 0, torch.randn(1, 1, 2, 2), scheduler, 3, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_only_the_last_steps_learn() -> None:
    scheduler = make_scheduler({**CONFIG, "prediction_type": "v_prediction"})
    noise, factor = torch.randn(1, 2, 4, 4), torch.tensor(0.5, requires_grad=True)

    def gradient(learning_steps: int) -> torch.Tensor:
        z_0 = sample(lambda z, t: z * factor, noise, scheduler, 3, learning_steps=learning_steps)
        return torch.autograd.grad(z_0.sum(), factor)[0]

    assert not sample(lambda z, t: z * factor, noise, scheduler, 3).requires_grad
    one, all_of_them = gradient(1), gradient(3)
    moved = [sample(lambda z, t, f=f: z * f, noise, scheduler, 3).sum() for f in (0.5 - 1e-3, 0.5 + 1e-3)]
    assert all_of_them == pytest.approx(float(moved[1] - moved[0]) / 2e-3, rel=1e-2)
    assert one != pytest.approx(float(all_of_them), rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_and_original_agree(kind: str) -> None:
    scheduler = make_scheduler({**CONFIG, "prediction_type": kind})
    latents, noise = torch.randn(3, 4, 5, 5), torch.randn(3, 4, 5, 5)
    timesteps = torch.tensor([0, 400, 999])
    z_t = scheduler.add_noise(latents, noise, timesteps)
    prediction = training_target(scheduler, latents, noise, timesteps)
    assert torch.allclose(predicted_original(scheduler, prediction, z_t, timesteps), latents, atol=1e-4)


def test_guidance_of_one_is_the_condition_and_of_zero_the_null() -> None:
    conditional, null = torch.randn(2, 3), torch.randn(2, 3)
    assert torch.allclose(guide(conditional, null, 1.0), conditional)
    assert torch.equal(guide(conditional, null, 0.0), null)
    assert torch.allclose(guide(conditional, null, 2.0), 2 * conditional - null)


@pytest.mark.parametrize("steps", [0, 1001])
def test_impossible_steps_are_refused(steps: int) -> None:
    scheduler = make_scheduler({**CONFIG, "prediction_type": "epsilon"})
    with pytest.raises(ValueError, match="steps"):
        sample(lambda z, t: z, torch.zeros(1, 1, 2, 2), scheduler, steps)


def test_unknown_sampler_is_refused() -> None:
    with pytest.raises(ValueError, match="euler"):
        make_scheduler(CONFIG, "euler")
