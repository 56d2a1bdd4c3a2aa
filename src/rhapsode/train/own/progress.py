"""What a training run remembers on the disk, so that it can be stopped at any time and go on later."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhapsode.errors import FormatError, InputError
from rhapsode.train.model import Articulator
from rhapsode.train.own.takes import OwnTake

AGAIN = "--restart begins again"


@dataclass
class State:
    """How far a run is.

    Args:
        fingerprint: of everything that decides what comes out.
        epoch: the last one that is complete.
        best_epoch: 0 is the first guess.
        best_error: held-out error there; None before anything was measured.
        done: whether training ended by itself.
        spent_s: seconds of training so far.
        history: one row an epoch.

    """

    fingerprint: str
    epoch: int = 0
    best_epoch: int = 0
    best_error: float | None = None
    done: bool = False
    spent_s: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


class Run:
    """The work folder of a run: checkpoint, best weights, state.

    Args:
        folder: is made.
        fingerprint: of the data and the settings.
        restart: forget what is there.

    Raises:
        FormatError: what is there is damaged, or belongs to other data or settings.

    """

    def __init__(self, folder: Path, fingerprint: str, *, restart: bool) -> None:
        self.folder = folder
        self.checkpoint, self.best = folder / "checkpoint.pt", folder / "best.pt"
        self._state_file = folder / "state.json"
        folder.mkdir(parents=True, exist_ok=True)
        if restart:
            for path in (self.checkpoint, self.best, self._state_file):
                path.unlink(missing_ok=True)
        self.state = self._read(fingerprint)

    def _read(self, fingerprint: str) -> State:
        if not self._state_file.exists():
            for path in (self.checkpoint, self.best):
                path.unlink(missing_ok=True)
            return State(fingerprint)
        try:
            state = State(**json.loads(self._state_file.read_text("utf-8")))
            belongs = state.fingerprint == fingerprint
            kept = torch.load(self.best, weights_only=True, map_location="cpu")
            if state.epoch and belongs:
                epoch = int(torch.load(self.checkpoint, weights_only=True, map_location="cpu")["epoch"])
                state.epoch = max(state.epoch, epoch)
            assert kept
        except Exception as error:
            reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise FormatError(
                f"the checkpoint in '{self.folder}' is damaged ({reason}), expected a whole one; {AGAIN}"
            ) from error
        if not belongs:
            raise FormatError(
                f"the checkpoint in '{self.folder}' belongs to other data or settings, expected those of "
                f"this command; {AGAIN}, or choose another --out"
            )
        return state

    def keep(self, model: Articulator, error: float, epoch: int) -> bool:
        """Keep a network if it is the best so far; say whether it is."""
        if self.state.best_error is not None and error >= self.state.best_error:
            return False
        part = self.best.with_suffix(".part")
        torch.save({name: value.cpu() for name, value in model.state_dict().items()}, part)
        part.replace(self.best)
        self.state.best_epoch, self.state.best_error = epoch, error
        return True

    def save(self) -> None:
        """Write the state."""
        part = self._state_file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(self.state), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._state_file)

    def load_best(self, model: Articulator) -> Articulator:
        """Fill ``model`` with the best weights so far and return it, in evaluation mode, on the CPU."""
        model.load_state_dict(torch.load(self.best, weights_only=True, map_location="cpu"))
        model.cpu().eval()
        return model


def fingerprint(takes: Mapping[str, list[OwnTake]], settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the takes, by what they are for, and of the settings."""
    made = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for kind, members in takes.items():
        for take in members:
            made.update(f"{kind} {take.name}".encode())
            made.update(np.ascontiguousarray(take.unit).tobytes())
            made.update(np.ascontiguousarray(take.y).tobytes())
    return made.hexdigest()


def cannot_write(folder: Path, error: Exception) -> InputError:
    """Return the error for a checkpoint that could not be written."""
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0][:120]
    return InputError(
        f"the checkpoint in '{folder}' could not be written ({reason}); what was written before is kept: "
        "make room on the disk and run the command again"
    )
