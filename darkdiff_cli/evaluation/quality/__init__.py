"""Scores of pictures against their references."""
