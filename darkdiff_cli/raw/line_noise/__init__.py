"""Line noise: offsets that the readout adds to whole rows and columns, measured on the frame and subtracted."""
