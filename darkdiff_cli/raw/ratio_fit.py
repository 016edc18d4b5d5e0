"""What `--ratio auto` learnt from photographs: printed by docs/make_auto_ratio.py, told in docs/guide/auto-ratio.md."""

COEFFICIENTS = (
    0.2821, -0.5475, -0.051, 0.8225, -0.6806, -0.7207, 0.1416,
    -0.8947, -0.0077, 1.8992, -0.1168, -1.2056, 3.5195, -2.969,
    -7.5933, 6.7825, -2.3987, 4.8167, 3.5346, -0.8837, -3.0905,
    1.6982, -0.1029, -0.1837, 0.0264, 0.0133, 0.0107, 0.6006, -0.471,
)  # fmt: skip
"""Weights of `LitPart.shape`, in stops."""
