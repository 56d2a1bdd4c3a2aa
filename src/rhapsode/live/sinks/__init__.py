"""Where a live performance goes: packets, pictures, files; each at its own rate and in its own time."""
