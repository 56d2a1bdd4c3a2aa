"""Rhapsode: speech in, a living digital human out."""
