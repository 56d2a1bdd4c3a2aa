"""What a feeling does to life: how the stages of emotion and life speak to each other."""

from __future__ import annotations

MOOD: tuple[str, ...] = ("rest", "blinks", "motion", "head_pitch", "head_roll", "gaze_pitch")
"""Columns of a mood: how much of the resting face gives way (0 to 1), factors of the blink rate and of the
head's own motion, and radians by which the head (down, to the right shoulder) and the gaze (down) turn."""

EVEN: tuple[float, ...] = (0.0, 1.0, 1.0, 0.0, 0.0, 0.0)
"""The mood that changes nothing."""
