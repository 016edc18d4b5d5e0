"""What is scored is rendered with the protocol's white."""

from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.evaluation.methods.baselines import BestMatrix
from darkdiff_cli.evaluation.methods.method import Method
from darkdiff_cli.raw import RawFrame, read_raw, render_reference
from darkdiff_cli.synthesis import unprocess, write_dng


class ByLevels(Method):
    """The clean frame itself, white by the file's level."""

    name = "by levels"

    def render(self, dark: RawFrame, clean: RawFrame, ratio: float) -> np.ndarray:
        return render_reference(clean)


@pytest.mark.parametrize("adjust_maximum", [True, False])
def test_the_best_matrix_meets_the_protocols_reference(
    photograph: np.ndarray, sensor, capture, tmp_path: Path, adjust_maximum: bool
) -> None:
    path = tmp_path / "clean.dng"
    write_dng(path, np.rint(unprocess(photograph, sensor)).astype(np.uint16), sensor, capture)
    clean = read_raw(path)
    references = [render_reference(clean, adjusted) for adjusted in (True, False)]
    assert np.abs(references[0] - references[1]).max() > 0.02
    picture = BestMatrix(ByLevels(), adjust_maximum).render(clean, clean, 1.0)
    assert np.abs(picture - render_reference(clean, adjust_maximum)).max() < 0.01
