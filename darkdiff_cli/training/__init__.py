"""Training: one loop, three stages, recipes."""
