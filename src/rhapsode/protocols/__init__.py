"""Packets, one file per protocol: bytes in and bytes out, no sockets."""
