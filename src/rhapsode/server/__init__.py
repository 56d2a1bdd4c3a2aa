"""The HTTP and WebSocket application, with the built stage as package data."""
