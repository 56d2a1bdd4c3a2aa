"""A rig is a named, ordered list of channels; a channel map carries curves from one rig to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rhapsode.errors import RigError


@dataclass(frozen=True)
class Rig:
    """An ordered table of channel names.

    Args:
        name: short identifier, as used by ``--rig``.
        channels: channel names in the rig's own canonical order.
        source: where the table comes from.
        angles: channels that hold radians of either sign; all others hold weights in [0, 1].

    """

    name: str
    channels: tuple[str, ...]
    source: str
    angles: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.channels)

    def index(self, channel: str) -> int:
        """Return the position of ``channel``; raise `RigError` naming the nearest ones if absent."""
        try:
            return self.channels.index(channel)
        except ValueError:
            raise unknown_channel(channel, self.channels, f"rig '{self.name}'") from None


def unknown_channel(channel: str, known: Sequence[str], owner: str) -> RigError:
    """Build the error for a channel that ``owner`` does not have, with the nearest names."""
    from difflib import get_close_matches

    near = get_close_matches(channel, known, n=3) or list(known[:3])
    return RigError(f"{owner} has no channel '{channel}'; nearest: {', '.join(near)}")
