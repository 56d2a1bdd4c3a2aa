"""Live performances: sessions on one clock, sources, sinks; the only asyncio core."""
