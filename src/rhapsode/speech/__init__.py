"""Text to speech with phone timings."""
