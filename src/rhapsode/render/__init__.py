"""Avatar and performance to pixels, on a CPU."""
