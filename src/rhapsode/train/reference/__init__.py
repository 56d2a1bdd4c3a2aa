"""Training of the reference architectures."""
