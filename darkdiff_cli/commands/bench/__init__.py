"""`darkdiff bench`: a short run, quality, speed, and the paper's tables."""
