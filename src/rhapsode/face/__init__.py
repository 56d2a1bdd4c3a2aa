"""Sound to face curves: features, the articulation engine, shaping, life."""
