"""What faces are measured on: speech with known phones, and takes of real faces. None of it is learned from.

Without any folder there still is a small set: lines that no training saw, spoken by the default voice, whose
phone times are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from rhapsode.errors import InputError
from rhapsode.evaluate.articulation import Spoken, unheard
from rhapsode.performance import CLOCK_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import lip_gap
from rhapsode.train.facegood import moves
from rhapsode.train.grid import lip_gap as landmark_gap
from rhapsode.train.takes import MOVES, held_out, read_sound
from rhapsode.train.teacher import TimedPhone

QUICK_SPEECH, QUICK_TAKES = 3, 4
"""A quick run hears every so many utterances, and sees every so many takes of a speaker who has many."""

VIDEO = "portrait_landmarks"
"""The folder of clips of an unseen real speaker, as recipes/portrait_landmarks.py writes it."""

KNOWN_SPEAKER = "grid_s1"
"""The GRID speaker of whom most sentences are learned from; of any other none is."""

LINES = (
    "My brother bought a big map from the shop by the harbour.",
    "People may climb up the steep path before midday.",
    "Bob and Pam made a lamp from a broken bottle.",
    "I hope the problem with the computer has been simple.",
    "Maybe we both remember that September morning.",
    "Put the paper plate by the piano and bring me some more milk.",
    "Nobody remembers the number of the famous museum.",
    "A bumpy bus trip made the boy complain about his stomach.",
    "Please move those empty boxes before somebody trips.",
    "The baby monkey jumped up and grabbed a ripe plum.",
    "What time does the next train leave for London?",
    "She sells sea shells along the sunny eastern shore.",
    "Thank you very much, that is exactly what I needed.",
    "Could you tell us where the nearest library is?",
    "We will never give away a secret like that.",
)
"""No training has heard any of them."""

OWN_VOICE = "own_voice"
"""The set that needs no folder."""

CORPUS_NOTE = (
    "no corpus was given: contacts are measured on the default voice only; recipes/corpus/README.md says "
    "how to make one, then pass --corpus FOLDER"
)
DATA_NOTE = (
    "no data folder was given: no real face is compared; pass --data FOLDER with grid_s1/ and facegood/"
)


@dataclass(frozen=True, eq=False)
class SpokenLine:
    """A sound whose phones are known, held in memory.

    Args:
        y: (N,) float32 at 16 kHz.
        phones: in order of time.

    """

    y: Float32
    phones: tuple[TimedPhone, ...]

    def sound(self) -> Float32:
        """Return the (N,) sound."""
        return self.y


@dataclass(frozen=True, eq=False)
class FilmedTake:
    """A sound and what a real mouth did.

    Args:
        path: the sound.
        jaw: (T,) how far the jaw is open, in any unit.
        opening: (T,) how far the lips are apart, in any unit.
        fps: of both; value k is at k / fps seconds.
        chin: (T,) how far the chin has dropped, in any unit, where ``jaw`` is told by the lower lip.
        loose: sound and picture may be apart by a time of the take's own.

    """

    path: Path
    jaw: NDArray[np.float64]
    opening: NDArray[np.float64]
    fps: float
    chin: NDArray[np.float64] | None = None
    loose: bool = False

    @cached_property
    def y(self) -> Float32:
        """The (N,) sound at 16 kHz."""
        return read_sound(self.path)


@dataclass(frozen=True, eq=False)
class Material:
    """All of it.

    Args:
        speech: sets of utterances with known phones, by name.
        takes: takes of real faces, by speaker.
        notes: what is missing and how to get it.

    """

    speech: dict[str, list[Spoken]]
    takes: dict[str, list[FilmedTake]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def some(self) -> Material:
        """Return the fixed part of it that a quick run uses."""
        speech = {
            name: spoken if name == OWN_VOICE else spoken[::QUICK_SPEECH]
            for name, spoken in self.speech.items()
        }
        takes = {
            name: many if len(many) <= 2 or many[0].loose else many[::QUICK_TAKES]
            for name, many in self.takes.items()
        }
        return Material(speech, takes, self.notes)


def material(data: Path | None, corpus: Path | None) -> Material:
    """Return what can be measured on.

    Args:
        data: folder with any of grid_*/, facegood/ and speech/.
        corpus: what recipes/corpus makes; the natural speech in it lies in ``data``.

    Raises:
        InputError: the corpus holds nothing that was kept out of training.

    """
    notes = [note for given, note in ((corpus, CORPUS_NOTE), (data, DATA_NOTE)) if given is None]
    speech: dict[str, list[Spoken]] = {OWN_VOICE: []}
    if corpus is not None:
        nowhere = corpus / "none"
        heard = unheard(corpus, data or nowhere)
        if data is None:
            heard.pop("real")
        speech = {name: list(spoken) for name, spoken in heard.items() if spoken}
        if not speech:
            raise InputError(
                f"corpus {corpus} holds no utterance of the split test, got only others; make it whole, see "
                "recipes/corpus/README.md"
            )
    else:
        speech[OWN_VOICE] = list(own_voice())
    return Material(speech, filmed(data) if data else {}, tuple(notes))


def own_voice(lines: Sequence[str] = LINES) -> list[SpokenLine]:
    """Return ``lines`` as the default voice speaks them, half a second of silence around each."""
    from rhapsode.speech import load_voice

    voice, around = load_voice(), np.zeros(CLOCK_HZ // 2, np.float32)
    made = []
    for k, line in enumerate(lines):
        speech = voice.speak(line, seed=k)
        y = as_float32(soxr.resample(speech.sound.mono(), speech.sound.sample_rate, CLOCK_HZ))
        phones = tuple(TimedPhone(p.text, p.start_s + 0.5, p.end_s + 0.5) for p in speech.words.phones)
        made.append(SpokenLine(np.concatenate([around, y, around]), phones))
    return made


def filmed(data: Path) -> dict[str, list[FilmedTake]]:
    """Return the takes of real faces below ``data``, by speaker.

    Of GRID's speaker s1 the sentences held out of training, of any other all; of FACEGOOD the take of
    sentences, 3_15; and what recipes/portrait_landmarks.py makes of the clips of a speaker no training sees.
    """
    found: dict[str, list[FilmedTake]] = {}
    for folder in sorted(data.glob("grid_*")):
        if (folder / "curves.npz").is_file() and (folder / "landmarks.npz").is_file():
            found[folder.name] = _grid(folder)
    if (data / "facegood" / "3_15.npz").is_file():
        found["facegood_3_15"] = [_facegood(data / "facegood", "3_15")]
    clips = [_clip(path) for path in sorted((data / VIDEO).glob("*.npz"))]
    if clips:
        found[VIDEO] = clips
    return found


def _grid(folder: Path) -> list[FilmedTake]:
    """Return sentences of a GRID speaker: MediaPipe's own jawOpen, the lips by their landmarks."""
    curves, landmarks = np.load(folder / "curves.npz"), np.load(folder / "landmarks.npz")
    ids = [str(name) for name in curves["ids"]]
    wanted = set(held_out(ids) if folder.name == KNOWN_SPEAKER else ids)
    jaw = curves["blendshapes"][:, [str(n) for n in curves["names"]].index("jawOpen")].astype(np.float64)
    gap = landmark_gap(landmarks["points"], [int(k) for k in landmarks["mediapipe_index"]])
    ends = np.cumsum(curves["frames"])
    found = []
    for name, first, end in zip(ids, ends - curves["frames"], ends, strict=True):
        seen = np.isfinite(jaw[first:end]).all() and np.isfinite(gap[first:end]).all()
        if name in wanted and seen:
            path = folder / "audio" / f"{name}.flac"
            found.append(FilmedTake(path, jaw[first:end], gap[first:end], float(curves["fps"])))
    return found


def _facegood(folder: Path, name: str) -> FilmedTake:
    """Return a take of FACEGOOD's animator, the lips' distance by ours of the weights it maps to."""
    take = np.load(folder / f"{name}.npz")
    mapped = moves(take["weights"], [str(n) for n in take["names"]])
    frames = np.zeros((len(mapped), len(ARKIT)), np.float32)
    for column, channels in enumerate(MOVES.values()):
        for channel in channels:
            frames[:, ARKIT.index(channel)] = mapped[:, column]
    opening = np.maximum(lip_gap(frames), 0).astype(np.float64)
    return FilmedTake(folder / "audio" / f"{name}.flac", mapped[:, 0], opening, float(take["fps"]))


def _clip(path: Path) -> FilmedTake:
    """Return a tracked clip; video frames without a face are bridged."""
    clip = np.load(path)
    jaw, opening, chin = (_bridged(np.asarray(clip[name], np.float64)) for name in ("jaw", "opening", "chin"))
    return FilmedTake(path.with_suffix(".flac"), jaw, opening, float(clip["fps"]), chin, loose=True)


def _bridged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = np.isfinite(values)
    return np.interp(np.arange(len(values)), np.flatnonzero(seen), values[seen])
