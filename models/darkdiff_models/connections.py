"""What may be connected to, by the hub client's own environment variables, so that it holds for the client too."""

import os

OFFLINE, TELEMETRY_OFF = "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"


def forbid_telemetry() -> None:
    """Have huggingface_hub and diffusers report nothing; they read it when they are imported."""
    os.environ[TELEMETRY_OFF] = "1"


def forbid_connections() -> None:
    """From now on nothing is downloaded, by this process or by those that it starts."""
    os.environ[OFFLINE] = "1"


def is_offline() -> bool:
    """Whether nothing may be downloaded."""
    return os.environ.get(OFFLINE, "").upper() in ("1", "ON", "YES", "TRUE")
