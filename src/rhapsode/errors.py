"""The whole error tree.

RhapsodeError                 everything the product raises on purpose
├── InputError                what came in cannot be used (the command line exits with 2)
│   ├── AudioError            a sound cannot be read or holds what is no sound
│   ├── FormatError           a file is not what its format asks for, or no format has that name
│   ├── RigError              channels do not fit a rig
│   ├── AvatarError           an avatar cannot be loaded, or lacks what the job needs
│   ├── SettingError          an option is unknown or out of range
│   ├── SpeechError           a text or a voice cannot be spoken
│   ├── RecognitionError      no recogniser has that name or can be had, or it lacks a language
│   └── PacketError           a packet is not what its protocol asks for
├── SinkError                 a sink cannot be reached, or refused what it was sent
├── WeightsError              shipped or given weights fail their check
└── MissingExtraError         an optional part is not installed (the message says how to get it)

A message says what, got, expected and remedy, in that order, on one line.
"""

from __future__ import annotations


class RhapsodeError(Exception):
    """Everything the product raises on purpose."""


class InputError(RhapsodeError):
    """What came in cannot be used."""


class AudioError(InputError):
    """A sound cannot be read, or holds what is no sound."""


class FormatError(InputError):
    """A file is not what its format asks for, or no format has that name."""


class RigError(InputError):
    """Channels do not fit a rig."""


class AvatarError(InputError):
    """An avatar cannot be loaded, or lacks what the job needs."""


class SettingError(InputError):
    """An option is unknown or out of range."""


class SpeechError(InputError):
    """A text or a voice cannot be spoken."""


class RecognitionError(InputError):
    """No recogniser has that name or can be had, or it does not know a language."""


class PacketError(InputError):
    """A packet is not what its protocol asks for."""


class SinkError(RhapsodeError):
    """A sink cannot be reached, or refused what it was sent; whoever sends may try again."""


class WeightsError(RhapsodeError):
    """Weights fail their check: checksum, shape or manifest."""


class MissingExtraError(RhapsodeError):
    """An optional part is not installed; the message holds the install line."""

    def __init__(self, part: str, extra: str) -> None:
        super().__init__(f"{part} is not installed; get it with: pip install 'rhapsode[{extra}]'")
        self.extra = extra
