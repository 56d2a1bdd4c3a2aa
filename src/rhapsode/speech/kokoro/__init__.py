"""The Kokoro family: one network, 54 voices, eight languages, with the time of every phone."""
