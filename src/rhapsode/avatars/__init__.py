"""glTF and VRM loading, channel mapping, the default avatars."""
