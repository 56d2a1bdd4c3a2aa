"""Builds the default avatars from CC0 data: `python -m recipes.avatar --help`."""
