"""Reference architectures of the field, as face engines of this house."""
