"""Seconds, memory and arithmetic of a photo, by stage."""
