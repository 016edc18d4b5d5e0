"""For training and scoring only: networks of losses, the regression baseline, faster backward passes."""
