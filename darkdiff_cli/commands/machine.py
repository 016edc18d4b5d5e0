"""`darkdiff info --machine`: what the networks run on here, and how."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """What `--device auto` takes.

    Attributes:
        device: name of the device.
        precision: of the networks' arithmetic.
        attention: whose kernels compute attention without a mask.
        threads: of torch on the processor.
    """

    device: str
    precision: str
    attention: str
    threads: int


def this_machine() -> Machine:
    """The machine that the program runs on."""
    import torch

    from darkdiff_models.devices import autocast_dtype, device_name, pick_device
    from darkdiff_models.networks.attention import attention_library

    device = pick_device()
    precision = str(autocast_dtype(device) or torch.float32).removeprefix("torch.")
    return Machine(device_name(device), precision, attention_library(device), torch.get_num_threads())
