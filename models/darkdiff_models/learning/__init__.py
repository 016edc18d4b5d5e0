"""What only training and scoring need: losses' networks, the regression baseline, faster backward passes."""
