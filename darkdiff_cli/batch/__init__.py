"""A folder of raws: what is to do, what was done, who does it, and where."""
