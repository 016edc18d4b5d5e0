"""What is scored side by side: models, baselines, other programs."""
