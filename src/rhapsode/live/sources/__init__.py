"""Where the sound of a live performance comes from."""
