import numpy as np
import pytest

from darkdiff_cli.colour import XYZ_FROM_SRGB, camera_from_srgb, srgb_decode, srgb_encode


def test_middle_grey_has_the_value_of_the_standard() -> None:
    assert srgb_encode(np.float32(0.18)) == pytest.approx(0.46136, abs=5e-6)


def test_curve_and_inverse_round_trip() -> None:
    linear = np.linspace(0, 1, 4097, dtype=np.float32)
    assert np.abs(srgb_decode(srgb_encode(linear)) - linear).max() < 1e-6


def test_curve_clips_both_ends() -> None:
    assert srgb_encode(np.array([-0.5, 2.0])).tolist() == pytest.approx([0.0, 1.0], abs=1e-6)


def test_camera_matrix_keeps_white_white() -> None:
    matrix = camera_from_srgb(np.array([[0.58, -0.14, -0.02], [-0.35, 1.15, 0.23], [-0.07, 0.19, 0.58]]))
    assert np.allclose(matrix @ np.ones(3), 1.0)


def test_camera_that_is_srgb_needs_no_change() -> None:
    assert np.allclose(camera_from_srgb(np.linalg.inv(XYZ_FROM_SRGB)), np.eye(3), atol=1e-12)


def test_senseless_camera_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="row"):
        camera_from_srgb(np.zeros((3, 3)))
