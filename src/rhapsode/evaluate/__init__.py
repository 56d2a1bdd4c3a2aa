"""The measures, used by tests, benchmarks and users."""
