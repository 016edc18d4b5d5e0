"""Row noise: what the readout adds to whole rows, measured on the frame and taken off."""
