"""Settings of the server; they live beside all others, in `rhapsode.settings.server`."""

from rhapsode.settings.server import ServerSettings, is_loopback

__all__ = ["ServerSettings", "is_loopback"]
