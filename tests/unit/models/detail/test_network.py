from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_models.detail import Detail, Samples
from darkdiff_models.detail.network import CALM
from darkdiff_models.detail.samples import enlarged, halved, root, squared
from darkdiff_models.detail.tiled import full_size
from darkdiff_models.finishing.block_light import encode_curve

MATRIX = torch.tensor([[1.6, -0.4, -0.2], [-0.2, 1.5, -0.3], [0.0, -0.5, 1.5]])  # rows sum to one: white stays white


def bayer(height: int, width: int, light: Tensor | None = None) -> Samples:
    """What an RGGB sensor sees of (3, height, width) light, or of grey."""
    mask = torch.zeros(1, 3, height, width)
    mask[:, 0, 0::2, 0::2] = mask[:, 1, 0::2, 1::2] = mask[:, 1, 1::2, 0::2] = mask[:, 2, 1::2, 1::2] = 1.0
    seen = torch.full((1, 3, height, width), 0.2) if light is None else light[None]
    return Samples(seen * mask, mask, torch.full((1, 3, 2), 1e-3), MATRIX[None])


def learnt(seed: int = 0) -> Detail:
    """A network of toy widths with random weights in all places."""
    torch.manual_seed(seed)
    detail = Detail((8, 16), (1, 1))
    for parameter in detail.parameters():
        torch.nn.init.normal_(parameter, std=0.016)
    return detail.eval().requires_grad_(False)


def smooth(height: int, width: int) -> Tensor:
    """(height, width, 3) sRGB without fine detail."""
    coarse = torch.rand(1, 3, height // 8 + 2, width // 8 + 2)
    return F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)[0].permute(1, 2, 0)


def test_a_network_that_has_learnt_nothing_enlarges_the_half_size_picture() -> None:
    picture = torch.full((16, 24, 3), 0.5)
    made = full_size(Detail((8, 16), (1, 1)).eval().requires_grad_(False), picture, bayer(32, 48))
    torch.testing.assert_close(made, torch.full((32, 48, 3), 0.5), atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", [(32, 48), (33, 48), (38, 51), (9, 7)])
def test_the_picture_has_the_sensors_size(size: tuple[int, int]) -> None:
    height, width = size
    made = full_size(learnt(), torch.rand(height // 2, width // 2, 3), bayer(height, width))
    assert made.shape == (height, width, 3)
    assert made.min() >= 0
    assert made.max() <= 1


@pytest.mark.parametrize(("read_variance", "kept"), [(30.0, True), (1e-9, False)])
def test_brightness_and_colour_stay_those_of_the_half_size_picture_where_noise_hides_them(
    read_variance: float, kept: bool
) -> None:
    picture = torch.rand(64, 64, 3) * 0.1 + 0.55
    half, samples = picture.permute(2, 0, 1)[None], bayer(128, 128, torch.rand(3, 128, 128))
    samples = replace(samples, noise=torch.tensor([0.0, read_variance]).expand(1, 3, 2))
    detail = learnt()
    assert detail.conv_out.bias is not None
    detail.conv_out.bias += 0.5  # a network that would brighten everything
    made = samples.half_light(detail(half, samples))  # not clipped, which would change means
    assert (made - enlarged(samples.half_light(half))).abs().mean() > 0.01  # it adds something
    light = [F.avg_pool2d(one, size) for one, size in ((samples.half_light(half), 16), (made, 32))]
    assert (float((light[1] / light[0] - 1).abs().mean()) < 0.01) == kept


def test_what_is_added_to_a_lamp_is_not_taken_from_the_black_around_it() -> None:
    lamp = torch.zeros(1, 3, 32, 32)
    lamp[..., 6:10, 6:10] = 1.0
    seen = 0.002 + 0.998 * F.interpolate(lamp, scale_factor=2)
    samples = replace(bayer(64, 64, seen[0]), noise=torch.tensor([0.006, 0.0002]).expand(1, 3, 2))
    half, detail = encode_curve(0.002 + 0.9 * lamp), Detail((8, 16), (1, 1))
    for index in range(12):  # a network that believes the sensor
        detail.direct.weight.data[index, 12 + index, 2, 2] = 1 / CALM
    with torch.no_grad():
        added = samples.half_light(detail(half, samples)) - enlarged(samples.half_light(half))
    black = F.max_pool2d(F.interpolate(lamp, scale_factor=2), 17, 1, 8) == 0
    assert float(added[..., 14:18, 14:18].mean()) > 0.02
    assert float(added[:, :, black[0, 0]].mean()) > -0.0002  # of 0.002


@pytest.mark.parametrize("xtrans", [False, True])
def test_where_nine_photosites_together_are_cut_off_the_picture_is_white(xtrans: bool) -> None:
    light, expected = torch.full((3, 48, 64), 0.2), torch.zeros(48, 64, dtype=torch.bool)
    for row, column, high, wide in [(5, 7, 3, 3), (20, 30, 5, 4)]:  # lamps
        light[:, row : row + high, column : column + wide] = 0.98
        expected[row : row + high, column : column + wide] = True
    light[:, 5:7, 40:60] = 1.0  # a line of two
    light[:, 30:33, 8:11] = 1.0
    light[:, 31, 9] = 0.97  # one of the nine is not
    samples = bayer(48, 64, light)
    if xtrans:
        colours = torch.tensor([[1, 2, 1, 1, 0, 1], [0, 1, 0, 2, 1, 2]]).repeat(24, 11)[:, :64]
        mask = F.one_hot(colours, 3).permute(2, 0, 1)[None].float()
        samples = replace(samples, colours=light[None] * mask, mask=mask)
    made = full_size(Detail((8, 16), (1, 1)).eval().requires_grad_(False), torch.full((24, 32, 3), 0.5), samples, 2)
    assert torch.equal((made == 1).all(dim=-1), expected)


def test_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, samples, detail = smooth(224, 176), bayer(448, 352, torch.rand(3, 448, 352)), learnt()
    whole = full_size(detail, picture, samples)
    monkeypatch.setattr("darkdiff_models.detail.tiled.TILE", 256)  # with the overlap that photos have
    seen: list[tuple[int, int]] = []
    tiled = full_size(detail, picture, samples, on_tiles=lambda done, total: seen.append((done, total)))
    assert len(seen) == seen[-1][1] > 4
    assert float((tiled - whole).abs().max()) < 0.004


@pytest.mark.parametrize("size", [(64, 96), (76, 84), (70, 90)])
def test_a_flat_picture_is_flat_to_its_edges(size: tuple[int, int]) -> None:
    """A side that is no multiple of the network's, or zeros beyond an edge, would leave strokes along it."""
    height, width = size
    made = full_size(learnt(), torch.full((height // 2, width // 2, 3), 0.5), bayer(height, width))
    cell = made[32:36, 40:44]  # a place of the coarser level
    assert float((cell - 0.5).abs().max()) > 0.01  # the network adds something
    flat = cell.repeat(height // 4 + 1, width // 4 + 1, 1)[:height, :width]
    torch.testing.assert_close(made, flat, atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [(65, 97), (76, 97), (75, 96)])
def test_an_odd_last_row_or_column_goes_on_as_the_picture_does(size: tuple[int, int]) -> None:
    """Mirrored at its own last pixel, the half-size picture would turn back a row before the mosaic."""
    height, width = size
    down, across = torch.arange(height // 2) / 200, torch.arange(width // 2) / 200
    ramp = (0.2 + down[:, None] + across)[..., None].expand(-1, -1, 3)
    made = full_size(Detail((8, 16), (1, 1)).eval().requires_grad_(False), ramp, bayer(height, width))
    for last in (made[-1] - made[-2], made[:, -1] - made[:, -2]):
        assert float(last.min()) > -1e-3


@pytest.mark.parametrize(("views", "alike"), [(1, False), (8, True)])
def test_all_views_together_see_a_turned_photo_alike(views: int, alike: bool) -> None:
    picture, samples, detail = torch.rand(32, 64, 3), bayer(64, 128, torch.rand(3, 64, 128)), learnt()
    made = full_size(detail, picture, samples, views)
    turned = samples.images(lambda image: image.flip(3).transpose(2, 3))
    of_turned = full_size(detail, picture.flip(1).transpose(0, 1), turned, views)
    assert (float((of_turned - made.flip(1).transpose(0, 1)).abs().max()) < 1e-5) == alike


def test_what_no_photosite_saw_does_not_matter() -> None:
    picture, samples = torch.rand(16, 16, 3), bayer(32, 32, torch.rand(3, 32, 32))
    other = Samples(samples.colours + 5.0 * (1 - samples.mask), samples.mask, samples.noise, samples.srgb_from_camera)
    detail = learnt()
    assert torch.equal(full_size(detail, picture, samples), full_size(detail, picture, other))


def test_the_noise_is_that_of_the_light() -> None:
    samples = bayer(4, 4)
    deviation = samples.deviation(torch.tensor([-1.0, 0.0, 3.0]).view(1, 3, 1, 1))
    assert deviation.flatten().tolist() == pytest.approx([0.001**0.5, 0.001**0.5, 0.004**0.5])


def test_noise_may_differ_over_the_image() -> None:
    """A place of a coarser picture has the mean of its photosites'."""
    share = torch.tensor([[1.0, 3.0], [0.0, 4.0]]).repeat_interleave(2, dim=1)[None, None]  # two rows, four columns
    samples = replace(bayer(2, 4), share=share)
    deviation = samples.deviation(torch.ones(1, 3, 1, 2))
    assert deviation[0, 0, 0].square().tolist() == pytest.approx([2e-3 * 0.5, 2e-3 * 3.5])
    turned = samples.images(lambda image: image.flip(-1))
    assert turned.share is not None and turned.share[0, 0, 0].tolist() == [3.0, 3.0, 1.0, 1.0]


def test_tiles_take_the_noise_of_their_own_place() -> None:
    """Noise that is told to be greater on the right half alone changes nothing on the left."""
    samples, picture = bayer(64, 256, torch.rand(3, 64, 256)), torch.rand(32, 128, 3)
    right = torch.ones(1, 1, 64, 256)
    right[..., 160:] = 9.0
    detail = learnt()
    plain, told = (full_size(detail, picture, replace(samples, share=share)) for share in (None, right))
    assert torch.equal(plain[:, :64], told[:, :64])
    assert not torch.equal(plain[:, 192:], told[:, 192:])


def test_curves_undo_each_other() -> None:
    light = torch.linspace(-0.5, 1.2, 50)
    torch.testing.assert_close(squared(root(light)), light, atol=1e-6, rtol=1e-5)
    samples, picture = bayer(8, 8), torch.rand(1, 3, 8, 8) * 0.5 + 0.2
    torch.testing.assert_close(samples.srgb(samples.half_light(picture)), picture, atol=1e-5, rtol=1e-4)


def test_mixed_precision_does_not_round_the_pictures_light() -> None:
    samples, picture = bayer(8, 8), torch.rand(1, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = samples.half_light(picture)
        back = samples.srgb(mixed)
    assert torch.equal(mixed, samples.half_light(picture))
    assert torch.equal(back, samples.srgb(mixed))


def test_half_of_a_picture_is_its_mean_light() -> None:
    picture = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).expand(1, 3, 2, 2)
    assert halved(picture).flatten().tolist() == pytest.approx([0.7354] * 3, abs=1e-4)  # sRGB of half the light


def test_a_flat_picture_of_quad_bayer_is_flat_to_its_edges() -> None:
    """Its mosaic goes on beyond them square by square, so that the first squares look as those in the middle."""
    rows, columns = torch.arange(64) // 2 % 2, torch.arange(96) // 2 % 2
    red, blue = (1 - rows)[:, None] * (1 - columns), rows[:, None] * columns
    mask = torch.stack([red, 1 - red - blue, blue])[None].float()
    samples = Samples(0.2 * mask, mask, torch.full((1, 3, 2), 1e-3), MATRIX[None])
    made = full_size(learnt(), torch.full((32, 48, 3), 0.45), samples)
    middle = made[24:28, 24:28]
    assert float((middle - middle.mean(dim=(0, 1))).abs().max()) > 1e-3  # so that another phase would be seen
    for edge in (made[:4, 24:28], made[-4:, 24:28], made[24:28, :4], made[24:28, -4:]):
        torch.testing.assert_close(edge, middle, atol=5e-4, rtol=0)
