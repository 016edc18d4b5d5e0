import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.enhancer.failures import explained
from darkdiff_cli.enhancer.finished import finished
from darkdiff_cli.enhancer.how_made import diffusion
from darkdiff_cli.enhancer.monochrome import grey
from darkdiff_cli.enhancer.written import write_doubt
from darkdiff_cli.errors import InputError, MemoryLimitError, SettingsError
from darkdiff_cli.photo import PhotoSettings
from darkdiff_cli.raw import ExposureSettings, RawFrame, develop, read_exposure
from darkdiff_cli.raw.distortion import Distortion, straightened
from darkdiff_cli.raw.noise import MeasuredNoise, measure_noise
from darkdiff_cli.synthesis import write_dng
from darkdiff_models import SamplingSettings
from darkdiff_models.detail import Detail
from tests.conftest import make_pipeline


def test_running_out_of_memory_suggests_a_smaller_tile() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**60, dtype=torch.uint8)
    found = explained(failure.value, Path("IMG.ARW"), 64, 48)
    assert isinstance(found, MemoryLimitError)
    assert "IMG.ARW" in str(found)
    assert "--tile 32" in str(found)
    assert [explained(failure.value, "IMG.ARW", tile, 48).smaller_tile for tile in (0, None)] == [48, 48]


def test_other_failures_stay_what_they_are() -> None:
    assert not isinstance(explained(RuntimeError("shapes differ"), Path("IMG.ARW"), 64, 48), MemoryLimitError)


def test_a_darkening_is_not_taken_back_by_a_lowered_white_level() -> None:
    used = [
        ExposureSettings(ratio=r, ev=ev).white_used
        for r, ev in (("auto", 0.0), (100.0, 0.0), (0.5, 0.0), (100.0, -1.0))
    ]
    assert used == ["auto", "auto", "file", "file"]


def test_an_image_too_large_to_be_denoised_at_once_is_tiled_with_a_note(dark_dng, model_folder, monkeypatch) -> None:
    enhancer, settings = Enhancer(str(model_folder)), EnhanceSettings(ExposureSettings(200.0), SamplingSettings(tile=0))
    exposure = enhancer.read(dark_dng, settings)
    whole = enhancer.render(exposure, settings)
    monkeypatch.setattr("darkdiff_models.tiling.planner.room", lambda _device: 1000)
    tiled = enhancer.render(exposure, settings)
    assert (len(whole.plan.tiles.corners), whole.notes) == (1, ())
    assert (tiled.plan.tiles.tile_height, tiled.plan.tiles.tile_width) == (16, 16)
    assert tiled.notes == (
        "the whole image does not fit into memory at once, so it is denoised in tiles of 16x16 latents",
    )


@pytest.mark.parametrize(
    ("rows", "size", "shape"),
    [
        (("RG", "GB"), None, (95, 130, 3)),
        (("RG", "GB"), "paper", (47, 65, 3)),
        (("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"), None, (95, 130, 3)),
        (("RRGG", "RRGG", "GGBB", "GGBB"), "paper", (23, 32, 3)),
        (("RRGG", "RRGG", "GGBB", "GGBB"), None, (94, 130, 3)),  # whole squares
    ],
)
def test_a_model_of_full_size_makes_what_the_sensor_has(rows, size, shape, sensor, capture, tmp_path: Path) -> None:
    mosaic = np.random.default_rng(0).integers(500, 3000, (95, 130)).astype(np.uint16)
    write_dng(tmp_path / "IMG.dng", mosaic, replace(sensor, cfa=Cfa(rows)), capture)
    torch.manual_seed(0)
    enhancer = Enhancer(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    settings = EnhanceSettings(ExposureSettings(4.0), SamplingSettings(size=size))
    rendered = enhancer.render(enhancer.read(tmp_path / "IMG.dng", settings), settings)
    assert rendered.srgb_01.shape == shape
    assert rendered.sampling.size == (size or "full")


@pytest.mark.parametrize(
    "cfa",
    [
        ("RG", "GB"),
        ("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"),
        ("RRGG", "RRGG", "GGBB", "GGBB"),
    ],
)
def test_half_size_is_the_finished_picture_halved(cfa, sensor, capture, tmp_path: Path) -> None:
    """Grain goes back before: binned photosites, whose colours lie apart, would put rims beside edges."""
    mosaic = np.random.default_rng(0).integers(500, 3000, (95, 130)).astype(np.uint16)
    write_dng(tmp_path / "IMG.dng", mosaic, replace(sensor, cfa=Cfa(cfa)), capture)
    torch.manual_seed(0)
    enhancer = Enhancer(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    settings = EnhanceSettings(ExposureSettings(4.0, strength=0.3), doubt=True)
    exposure = enhancer.read(tmp_path / "IMG.dng", settings)
    full, half = (enhancer.render(exposure, replace(settings, halved=halved)) for halved in (False, True))
    linear = srgb_decode(full.srgb_01[:94]).reshape(47, 2, 65, 2, 3).mean(axis=(1, 3))
    assert half.srgb_01.shape == (47, 65, 3)
    assert np.allclose(half.srgb_01, srgb_encode(linear), atol=1e-6)
    assert (full.halved, half.halved) == (False, True)
    assert [diffusion(one.sampling, one.halved)["size"] for one in (full, half)] == ["full", "half"]
    assert np.array_equal(half.doubt, full.doubt)


@pytest.mark.parametrize("size", ["full", "paper"])
def test_a_monochrome_picture_is_grey_whatever_the_networks_make(size, sensor, capture, tmp_path: Path) -> None:
    mosaic = np.random.default_rng(0).integers(500, 3000, (95, 130)).astype(np.uint16)
    write_dng(tmp_path / "IMG.dng", mosaic, replace(sensor, cfa=Cfa.monochrome()), capture)
    torch.manual_seed(0)
    enhancer = Enhancer(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    settings = EnhanceSettings(ExposureSettings(4.0), SamplingSettings(size=size))
    seen = enhancer.develop(exposure := enhancer.read(tmp_path / "IMG.dng", settings), settings)
    assert seen.image.shape[:2] == ((47, 65) if size == "full" else (95, 130))
    made = enhancer.run_networks(seen, settings)
    assert np.ptp(made.srgb.numpy(), axis=-1).max() > 0.01  # random networks colour it
    picture = enhancer.finish(exposure, made, settings).srgb_01
    assert picture.shape == (95, 130, 3)
    assert np.ptp(picture, axis=-1).max() == 0


def test_the_noise_of_a_monochrome_sensor_goes_and_its_light_stays(sensor, capture, tmp_path: Path) -> None:
    """At full size it is shown to the networks through a Bayer filter; in light its own photosites count."""
    noise, steps = np.random.default_rng(0), np.repeat([0.02, 0.1, 0.4], 32)
    for ratio, most in ((1, 0.006), (100, 0.03)):
        light = np.broadcast_to(steps * 15871 / ratio, (96, 96))
        mosaic = np.rint(noise.poisson(light) + noise.normal(0, 3, light.shape) + 512).clip(0).astype(np.uint16)
        path = tmp_path / f"{ratio}.dng"
        write_dng(path, mosaic, replace(sensor, cfa=Cfa.monochrome(), black=512, white=16383), capture)
        settings = EnhanceSettings(ExposureSettings(float(ratio), white="file"))
        enhancer = Enhancer("tiny")
        made = enhancer.render(enhancer.read(path, settings), settings).srgb_01
        middle = [made[8:-8, 32 * step + 8 : 32 * step + 24, 0] for step in range(3)]
        assert max(part.std() for part in middle) < most
        assert np.allclose([part.mean() for part in middle], srgb_encode(np.float32([0.02, 0.1, 0.4])), atol=0.03)


def test_in_light_every_photosite_of_a_monochrome_sensor_counts(sensor, capture, tmp_path: Path) -> None:
    light = np.broadcast_to(np.linspace(0.02, 0.8, 192, dtype=np.float32), (192, 192))
    mosaic = np.rint(light * 15871 + 512).astype(np.uint16)
    write_dng(tmp_path / "IMG.dng", mosaic, replace(sensor, cfa=Cfa.monochrome(), black=512, white=16383), capture)
    exposure = read_exposure(tmp_path / "IMG.dng", ExposureSettings(1.0, hot_pixels="off", line_noise="off"))
    wrong = np.random.default_rng(0).uniform(0, 1, (192, 192, 3)).astype(np.float32)
    assert np.allclose(grey(wrong, exposure, full=True), srgb_encode(light)[..., None], atol=0.01)
    mean = srgb_encode(srgb_decode(wrong).mean(axis=-1, keepdims=True))
    assert np.array_equal(grey(wrong, exposure, full=False), mean.repeat(3, axis=-1))


def test_the_papers_picture_is_the_same_with_or_without_a_network_for_full_size(dark_dng: Path) -> None:
    settings = EnhanceSettings(ExposureSettings(4.0), SamplingSettings(steps=1, size="paper"))
    torch.manual_seed(0)
    pipeline = make_pipeline()
    pictures = []
    for enhancer in (Enhancer(pipeline=pipeline), Enhancer(pipeline=pipeline.with_detail(Detail((8, 16), (1, 1))))):
        pictures.append(enhancer.render(enhancer.read(dark_dng, settings), settings).srgb_01)
    assert np.array_equal(*pictures)
    used = enhancer.pipeline.resolved(settings.sampling)
    assert diffusion(used, halved=True)["size"] == "paper"  # there is nothing to halve


def test_colours_are_registered_for_full_size_and_not_for_the_papers_picture(dark_dng: Path) -> None:
    enhancer = Enhancer(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    exposure = enhancer.read(dark_dng, EnhanceSettings(ExposureSettings(4.0)))
    for size, register_colours in ((None, True), ("full", True), ("paper", False)):
        seen = enhancer.develop(exposure, EnhanceSettings(sampling=SamplingSettings(size=size)))
        expected = develop(exposure.frame, 4.0, register_colours=register_colours).pixels
        assert np.array_equal(seen.image.numpy(), expected)


def test_input_is_never_overwritten(dark_dng: Path, model_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "IMG.tif"
    source.write_bytes(dark_dng.read_bytes())
    with pytest.raises(SettingsError, match="is one of the inputs"):
        Enhancer(str(model_folder)).enhance(source, source, EnhanceSettings(photo=PhotoSettings(overwrite=True)))
    assert source.read_bytes() == dark_dng.read_bytes()


def test_orientation_is_applied(model_folder: Path, dark_dng: Path, sensor, capture, tmp_path: Path) -> None:
    import imageio.v3 as iio
    import numpy as np

    from darkdiff_cli.raw import read_raw
    from darkdiff_cli.synthesis import write_dng

    write_dng(tmp_path / "turned.dng", read_raw(dark_dng).mosaic_dn, sensor, capture, orientation=6)
    enhancer = Enhancer(str(model_folder))
    settings = EnhanceSettings(ExposureSettings(ratio=200.0), photo=PhotoSettings("tiff", 16))
    plain = enhancer.enhance(dark_dng, tmp_path / "plain.tif", settings)
    turned = enhancer.enhance(tmp_path / "turned.dng", tmp_path / "turned.tif", settings)
    assert (plain.width, plain.height) == (turned.height, turned.width) == (56, 40)
    pictures = [iio.imread(tmp_path / name) for name in ("plain.tif", "turned.tif")]
    assert np.array_equal(np.rot90(pictures[0], -1), pictures[1])  # 6 = turn clockwise
    jpeg = replace(settings, photo=PhotoSettings())
    assert enhancer.enhance(tmp_path / "turned.dng", tmp_path / "turned.jpg", jpeg).width == 40
    with Image.open(tmp_path / "turned.jpg") as image:
        shot = image.getexif().get_ifd(34665)
    assert (shot[40962], shot[40963]) == (40, 56)  # PixelXDimension, PixelYDimension


def test_noise_is_measured_once_and_for_the_photo_that_is_written(dark_dng: Path, tmp_path: Path, monkeypatch) -> None:
    """By the network for full size and by the map of doubt, which knows the strength and the white level."""
    measured = []

    def counting(frame: RawFrame) -> MeasuredNoise | None:
        measured.append(frame)
        return measure_noise(frame)

    monkeypatch.setattr("darkdiff_cli.raw.exposure.measure_noise", counting)
    torch.manual_seed(0)
    enhancer = Enhancer(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    means = []
    for strength in (1.0, 0.0):
        settings = EnhanceSettings(ExposureSettings(200.0, strength=strength), SamplingSettings(steps=1))
        done = enhancer.enhance(
            dark_dng, tmp_path / f"{strength}.png", settings, doubt_map=tmp_path / f"{strength}_doubt.png"
        )
        means.append(done.doubt)
    assert len(measured) == 2
    assert means[1] > means[0] > 0
    with pytest.raises(ValueError, match="off when the picture was rendered"):
        write_doubt(tmp_path / "a.png", enhancer.render(enhancer.read(dark_dng, settings), settings))


def test_a_lens_is_straightened_in_the_picture_and_in_all_that_lies_over_it(dark_dng: Path) -> None:
    torch.manual_seed(0)
    enhancer = Enhancer(pipeline=make_pipeline().with_detail(Detail((8, 16), (1, 1))))
    settings = EnhanceSettings(ExposureSettings(200.0), SamplingSettings(steps=1), PhotoSettings("exr", 16), doubt=True)
    plain = enhancer.read(dark_dng, settings)
    lens = Distortion((1.1, -0.1, 0.0, 0.0, 0.0, 0.0), False, (20.0, 30.0), 50.0)
    bent = replace(plain, frame=replace(plain.frame, distortion=lens))
    pictures = [enhancer.render(exposure, settings) for exposure in (plain, bent)]
    parts = [(made.srgb_01, made.doubt, made.outside.below, made.outside.above) for made in pictures if made.outside]
    for before, after in zip(*parts, strict=True):
        assert before is not None and after is not None
        np.testing.assert_array_equal(after, straightened(before, bent.frame))
    assert not np.array_equal(parts[0][0], parts[1][0])


@pytest.mark.parametrize(("device", "advice"), [("cpu", "try another"), ("cuda", "try --device cpu, or another")])
def test_values_that_are_no_numbers_are_the_models_and_not_the_raws(dark_dng: Path, device: str, advice: str) -> None:
    pipeline = make_pipeline()
    with torch.no_grad():
        pipeline.unet.conv_out.weight.fill_(3e38)  # numbers themselves, and their sums infinite
    enhancer, settings = Enhancer("mine", "cpu", pipeline), EnhanceSettings(ExposureSettings(200.0))
    exposure = enhancer.read(dark_dng, settings)
    made = enhancer.run_networks(enhancer.develop(exposure, settings), settings)
    with pytest.raises(InputError) as refusal:
        finished(exposure, made, settings, "lrgb-srgb", enhancer.model, torch.device(device))
    words = f"{dark_dng}: the model mine gave NaN or infinite values for it; {advice} model."
    assert str(refusal.value) == words
    if device == "cpu":
        with pytest.raises(InputError, match=words):
            enhancer.render(exposure, settings)


def test_a_model_that_is_gone_when_the_photo_is_written_is_named(model_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(model_folder, tmp_path / "toy"))
    enhancer = Enhancer(str(model), "cpu")
    shutil.rmtree(model)
    with pytest.raises(SettingsError, match=rf"^toy: is no complete DarkDiff model any more \({model}: No such file"):
        assert enhancer.identity
