"""Captured faces in: what a phone or a tracker sends, mixed with the session's own performance."""
