"""Where a batch runs: in this process, on several devices, on a Ray cluster."""
