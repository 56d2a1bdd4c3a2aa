"""All settings of a digital human: typed, with named presets; flag > environment > file > preset."""

from rhapsode.settings.sections import Hear, Perform, Remember, Settings, Speak, Think

__all__ = ["Hear", "Perform", "Remember", "Settings", "Speak", "Think"]
