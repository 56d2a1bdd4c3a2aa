"""The training of an engine of one's own: from the first guess to the last epoch that helps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from rhapsode.errors import InputError
from rhapsode.train.loop import Plan
from rhapsode.train.model import Articulator
from rhapsode.train.own import tune as tuning
from rhapsode.train.own.columns import Columns
from rhapsode.train.own.progress import Run, cannot_write
from rhapsode.train.own.takes import OwnTake
from rhapsode.train.restore import Restored


class Teller(Protocol):
    """Where a run tells what it does."""

    def say(self, text: str) -> None:
        """Tell what was found."""

    def note(self, text: str) -> None:
        """Tell what a person should know but that stops nothing."""

    def epoch(self, done: int, of: int, text: str) -> None:
        """Tell how far training is."""


@dataclass
class Job:
    """The training itself.

    Args:
        teller: is told how it goes.
        base: the shipped engine.
        columns: what is learned.
        takes: to learn from.
        held: to measure by.
        plan: how long and how hard.
        run: keeps checkpoint, best weights and state.
        device: where the network trains.
        scratch: begin at random weights.
        minutes: after which the epoch is the last.

    """

    teller: Teller
    base: Restored
    columns: Columns
    takes: Sequence[OwnTake]
    held: Sequence[OwnTake]
    plan: Plan
    run: Run
    device: str
    scratch: bool = False
    minutes: float | None = None

    def learn(self) -> None:
        """Train until it no longer helps, or go on with it."""
        state = self.run.state
        if state.done:
            self.teller.say(f"training is complete ({state.epoch} epochs); --restart trains again")
            return
        if state.epoch:
            self.teller.say(f"going on after epoch {state.epoch} of {self.plan.epochs}")
        self._log = _board(self.run.folder / "events", self.teller)
        start = None if self.scratch else tuning.begin(self.base, self.takes, self.columns)
        begun = self._clock = time.monotonic()
        try:
            if start is not None and state.best_error is None:
                first = tuning.score(start, self.held, self.columns, self.base.delay)
                self.run.keep(start, first.error, 0)
                self.run.save()
                self.teller.epoch(0, self.plan.epochs, f"first guess: held-out correlation {first.mean:.3f}")
            self._limit = begun + (self.minutes or 1e9) * 60
            tuning.tune(
                self.base,
                self.takes,
                self.held,
                self.columns,
                self.run.checkpoint,
                plan=self.plan,
                start=start,
                device=self.device,
                after_epoch=self._after,
            )
        except OSError as error:
            raise self._unwritten(error) from error
        except RuntimeError as error:
            if "PytorchStreamWriter" in str(error) or "inline_container" in str(error):
                raise self._unwritten(error) from error
            raise
        finally:
            if self._log is not None:
                self._log.close()
        state.done = True
        self.run.save()

    def _unwritten(self, error: Exception) -> InputError:
        self.run.checkpoint.with_suffix(".part").unlink(missing_ok=True)
        return cannot_write(self.run.folder, error)

    def _after(self, epoch: int, loss: float, scores: tuning.Scores, model: Articulator) -> bool:
        state, now = self.run.state, time.monotonic()
        better = self.run.keep(model, scores.error, epoch)
        state.epoch, state.spent_s = epoch, state.spent_s + now - self._clock
        self._clock = now
        row = {"epoch": epoch, "loss": loss, "error": scores.error, "correlation": scores.mean}
        state.history.append(row)
        self.run.save()
        if self._log is not None:
            for name in ("loss", "error", "correlation"):
                self._log.add_scalar(name, row[name], epoch)
        mark = " (best)" if better else ""
        said = f"loss {loss:.4f}, held-out error {scores.error:.3f}, correlation {scores.mean:.3f}{mark}"
        self.teller.epoch(epoch, self.plan.epochs, said)
        return epoch - state.best_epoch >= tuning.PATIENCE or now > self._limit


def _board(folder: Path, teller: Teller) -> Any:
    """Return a writer for TensorBoard, or None where that is not installed."""
    try:
        return import_module("torch.utils.tensorboard").SummaryWriter(folder)
    except ImportError:
        teller.note("TensorBoard is not installed, so no curves of the training are kept (extra 'train')")
        return None
