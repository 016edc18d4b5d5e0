"""Row noise: offsets that the readout adds to whole rows, measured on the frame and subtracted."""
