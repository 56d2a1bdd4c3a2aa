"""Sound in: decoding, streaming resampling, buffers, levels, prosody."""
