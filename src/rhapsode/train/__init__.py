"""Data sets, models, losses, loops and export; nothing outside imports it."""
