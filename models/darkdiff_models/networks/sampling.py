"""Diffusion as pure functions over a callable denoiser (Eq. 1, 8, 10), through diffusers' schedulers."""

from collections.abc import Callable
from typing import Any

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(latents z_t, timestep) -> prediction of the same shape: epsilon or v, as the scheduler's config says."""

StepCallback = Callable[[int, int], None]
"""(steps done, total)."""

SAMPLERS: dict[str, Any] = {"ddim": DDIMScheduler, "dpm++": DPMSolverMultistepScheduler}


def sd_schedule(prediction_type: str) -> DDIMScheduler:
    """Stable Diffusion's noise schedule with "epsilon" or "v_prediction" and trailing spacing."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        prediction_type=prediction_type,
        timestep_spacing="trailing",
    )


def make_scheduler(config: dict[str, Any], sampler: str = "ddim") -> DDIMScheduler | DPMSolverMultistepScheduler:
    """A scheduler with the checkpoint's noise schedule: DDIM (eta 0) or DPM-Solver++, trailing spacing.

    Raises:
        ValueError: there is no such sampler.
    """
    if sampler not in SAMPLERS:
        raise ValueError(f"no sampler {sampler!r}; choose one of {', '.join(SAMPLERS)}")
    return SAMPLERS[sampler].from_config(config, timestep_spacing="trailing")


def sample(
    denoiser: Denoiser,
    noise: Tensor,
    scheduler: DDIMScheduler | DPMSolverMultistepScheduler,
    steps: int,
    on_step: StepCallback | None = None,
    learning_steps: int = 0,
) -> Tensor:
    """Run the sampler from pure noise to latents.

    Args:
        denoiser: the network with its condition and guidance, possibly tiled.
        noise: (batch, channels, h, w) standard normal.
        scheduler: from `make_scheduler`; it is copied, not changed.
        steps: number of denoiser calls.
        on_step: called after each step.
        learning_steps: number of last steps that gradients flow through.

    Returns:
        z_0 of the same shape.

    Raises:
        ValueError: steps is not between 1 and the schedule's number of training timesteps.
    """
    limit = int(scheduler.config["num_train_timesteps"])
    if not 1 <= steps <= limit:
        raise ValueError(f"steps must be between 1 and {limit}, got {steps}")
    scheduler = type(scheduler).from_config(scheduler.config)
    scheduler.set_timesteps(steps)  # on the CPU: reading the schedule then does not wait for a GPU
    latents = noise * scheduler.init_noise_sigma
    for done, timestep in enumerate(scheduler.timesteps, start=1):
        now = torch.full((), int(timestep), dtype=timestep.dtype, device=noise.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and done > steps - learning_steps):
            prediction = denoiser(scheduler.scale_model_input(latents, timestep), now)
            latents = scheduler.step(prediction, timestep, latents).prev_sample
        if on_step is not None:
            on_step(done, steps)
    return torch.as_tensor(latents)


def guide(conditional: Tensor, null: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance (Eq. 10): null + guidance * (conditional - null)."""
    return null + guidance * (conditional - null)


def training_target(scheduler: DDIMScheduler, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """The denoiser's training target: the noise (epsilon) or the velocity (v)."""
    if scheduler.config["prediction_type"] == "v_prediction":
        return torch.as_tensor(scheduler.get_velocity(latents, noise, timesteps))
    return noise


def predicted_original(scheduler: DDIMScheduler, prediction: Tensor, z_t: Tensor, timesteps: Tensor) -> Tensor:
    """z_0 computed from a prediction of epsilon or v (Eq. 8)."""
    alpha_bar = scheduler.alphas_cumprod.to(z_t)[timesteps].view(-1, 1, 1, 1)
    if scheduler.config["prediction_type"] == "v_prediction":
        return alpha_bar.sqrt() * z_t - (1 - alpha_bar).sqrt() * prediction
    return (z_t - (1 - alpha_bar).sqrt() * prediction) / alpha_bar.sqrt()
