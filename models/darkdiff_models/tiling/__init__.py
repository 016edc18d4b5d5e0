"""Images of any size: overlapping tiles, networks that run tile by tile, group norms shared by all tiles."""
