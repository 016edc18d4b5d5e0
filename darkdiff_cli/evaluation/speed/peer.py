"""What a user would otherwise build: diffusers' ControlNet pipeline at the same widths, to be timed beside ours."""

import logging
import time
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel

from darkdiff_cli.errors import SettingsError
from darkdiff_models import DarkDiffPipeline

VAE_SIDE = 512  # of diffusers' own autoencoder tiles, Stable Diffusion's size


def make_peer(pipeline: DarkDiffPipeline) -> Any:
    """A `StableDiffusionControlNetPipeline` of a DarkDiff's widths, with random weights and diffusers' own tiling.

    Raises:
        SettingsError: transformers is not installed, without which diffusers has no such pipeline.
    """
    try:
        import transformers
        from diffusers import StableDiffusionControlNetPipeline
    except ImportError as error:
        raise SettingsError("--beside controlnet needs transformers: pip install 'darkdiff[convert]'.") from error
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call,unused-ignore]
    logging.getLogger("diffusers").setLevel(logging.ERROR)  # they warn of weights that a checkpoint would have
    shape, vae_shape = dict(pipeline.unet.config), dict(pipeline.vae.config)
    levels = len(vae_shape["block_out_channels"])
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        sample_size=VAE_SIDE,
        **{key: vae_shape[key] for key in ("block_out_channels", "latent_channels", "layers_per_block")},
        norm_num_groups=vae_shape["norm_num_groups"],
        mid_block_add_attention=vae_shape["mid_block_add_attention"],
    )
    attends = shape["attention_levels"]
    unet = UNet2DConditionModel(
        in_channels=shape["in_channels"],
        out_channels=shape["out_channels"],
        down_block_types=tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        up_block_types=tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
        attention_head_dim=tuple(shape["num_heads"]),
        use_linear_projection=True,
        **{key: shape[key] for key in ("block_out_channels", "layers_per_block", "cross_attention_dim")},
        norm_num_groups=shape["norm_num_groups"],
    )
    # ControlNet shrinks its picture eightfold, which is SD's factor whatever the autoencoder's.
    peer = StableDiffusionControlNetPipeline(
        vae=vae, text_encoder=None, tokenizer=None, unet=unet, controlnet=ControlNetModel.from_unet(unet),
        scheduler=DDIMScheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    peer.set_progress_bar_config(disable=True)
    peer.vae.enable_tiling()
    return peer.to(pipeline.device, pipeline.precision)


@torch.inference_mode()
def time_peer(peer: Any, size: tuple[int, int], steps: int, guidance: float) -> float:
    """Seconds for one picture of (height, width) pixels, rounded down to multiples of 8."""
    height, width = (n // 8 * 8 for n in size)
    device, dtype = peer.unet.device, peer.unet.dtype
    prompt = torch.zeros(1, 77, peer.unet.config.cross_attention_dim, device=device, dtype=dtype)
    began = time.perf_counter()
    peer(
        prompt_embeds=prompt,
        negative_prompt_embeds=prompt,
        image=torch.rand(1, 3, height, width, device=device, dtype=dtype),
        height=height,
        width=width,
        num_inference_steps=steps,
        guidance_scale=guidance,
        output_type="pt",
    )
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
