"""What finishes a picture after the networks. None of it is the paper's, and its recipes switch it off."""
