import torch

from darkdiff_models.learning.sid_unet import SidUNet


def test_parameter_count_is_the_originals() -> None:
    with torch.device("meta"):
        original = SidUNet(out_channels=12)  # a 2x2 block of RGB for every quad, as published
    assert sum(p.numel() for p in original.parameters()) == 7_760_748


def test_a_picture_has_the_planes_size() -> None:
    network = SidUNet(width=4).eval()
    planes = torch.rand(2, 4, 32, 48)
    assert network(planes).shape == (2, 3, 32, 48)
    assert network.multiple == 16


def test_it_survives_saving(tmp_path) -> None:
    network = SidUNet(width=4)
    network.save_pretrained(tmp_path)
    planes = torch.rand(1, 4, 16, 16)
    assert torch.equal(SidUNet.from_pretrained(tmp_path)(planes), network(planes))
