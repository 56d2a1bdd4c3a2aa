"""Controls as options: a file, single values that win over it, and channels as NAME=VALUE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from rhapsode.face.controls import Controls


def controls_of(
    file: Path | None, values: Mapping[str, float | None], gains: Sequence[str], offsets: Sequence[str]
) -> tuple[Controls | None, tuple[str, ...]]:
    """Return the controls that the options ask for, and the names in the file that have no counterpart.

    Args:
        file: ``--controls``.
        values: fields of `Controls` that are one number; None where the option is not given.
        gains: ``--gain``, each NAME=VALUE.
        offsets: ``--offset``, each NAME=VALUE.

    Returns:
        None for the controls if nothing is asked for.

    Raises:
        SettingError: an option or the file is wrong.
        RigError: a channel does not exist.

    """
    given = {name: value for name, value in values.items() if value is not None}
    if file is None and not given and not gains and not offsets:
        return None, ()
    from rhapsode.face.controls import Controls, load_controls

    base, ignored = load_controls(file) if file else (Controls(), ())
    made = {part.name: getattr(base, part.name) for part in fields(base)} | given
    made["gains"] = {**base.gains, **_channels("--gain", gains)}
    made["offsets"] = {**base.offsets, **_channels("--offset", offsets)}
    return Controls(**made), ignored


def _channels(option: str, pairs: Sequence[str]) -> dict[str, float]:
    found = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise SettingError(f"{option} must be CHANNEL=VALUE such as jawOpen=1.2, got {pair!r}") from None
    return found
