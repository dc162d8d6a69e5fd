"""Frames: who is expected in one, who plays whom, and what those that are over look like on a page."""
