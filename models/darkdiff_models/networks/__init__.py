"""The paper's networks (Sec. 4.1-4.4): attention, autoencoder, context processor, denoiser, sampler."""
