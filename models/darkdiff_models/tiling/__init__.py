"""Images of any size: covers of overlapping tiles, networks over tiles, group norms shared by all tiles."""
