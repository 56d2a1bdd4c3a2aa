"""Another voice for what is spoken: pitch, formants and colour of a reference are taken on.

timbre = Timbre.from_file("reference.wav")      # about a minute of one person, who agreed to it
timbre.save("anna.timbre.npz")
own = measure(samples_of_the_voice)             # at 24 kHz
speech = timbre.convert(speech, own)            # every time stays as it is
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rhapsode.audio.bed import limited
from rhapsode.audio.resample import resample
from rhapsode.errors import FormatError
from rhapsode.performance import Float32
from rhapsode.speech.voice import Speech
from rhapsode.speech.world import RATE, Analysis, Float64, Profile, analyse, in_band, measure, synthesise

LONGEST_S = 120.0
"""Of a longer reference only the beginning is used."""

WARP = 0.18
"""Formants are moved by this part up or down at most."""

COLOUR_DB = 12.0
"""A band is made louder or fainter by this at most."""

SMOOTH = 24
"""Cepstral coefficients of the colour that is taken on: what is finer is of the words, not of the voice."""

_VERSION = 1


@dataclass(frozen=True, eq=False)
class Timbre:
    """The voice of a reference.

    Args:
        profile: what it sounds like.
        name: of the reference.
        checksum: SHA-256 of the reference's file.

    """

    profile: Profile
    name: str
    checksum: str = ""

    @classmethod
    def from_file(cls, path: str | Path) -> Timbre:
        """Return the voice of a sound file, or what `save` wrote.

        Raises:
            AudioError: the file cannot be read as sound.
            FormatError: it is a damaged timbre.
            MissingExtraError: pyworld is not installed.
            SpeechError: too little of a voice is in it.

        """
        file = Path(path).expanduser()
        if file.suffix == ".npz":
            return _load(file)
        y = _sound(file)
        return cls(measure(y), file.stem, hashlib.sha256(file.read_bytes()).hexdigest())

    def save(self, path: str | Path) -> Path:
        """Write it; whole or not at all. Return where.

        Raises:
            FormatError: the name does not end in .npz.

        """
        file = Path(path).expanduser()
        if file.suffix != ".npz":
            raise FormatError(
                f"a timbre is saved as .npz, got '{file.name}'; call it '{file.stem}.timbre.npz'"
            )
        p = self.profile
        told = {"version": _VERSION, "name": self.name, "sha256": self.checksum, "rate": RATE}
        told |= {"pitch": p.pitch, "range": p.range, "seconds": p.seconds}
        handle, made = tempfile.mkstemp(dir=file.parent, suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as out:
                np.savez(out, voiced=p.voiced, unvoiced=p.unvoiced, breath=p.breath, told=json.dumps(told))
            os.replace(made, file)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
        return file

    def convert(self, speech: Speech, own: Profile) -> Speech:
        """Return ``speech`` in this voice: as many samples, the same words and times.

        Args:
            speech: spoken by a voice.
            own: what that voice sounds like.

        Raises:
            MissingExtraError: pyworld is not installed.

        """
        sound = speech.sound
        y = sound.mono()
        if len(y) < sound.sample_rate // 20:
            return speech
        made = resample(self._converted(resample(y, sound.sample_rate, RATE), own), RATE, sound.sample_rate)
        out = np.zeros(len(y), np.float32)
        out[: min(len(y), len(made))] = made[: len(y)]
        loud, now = float(np.sqrt(np.mean(y**2))), float(np.sqrt(np.mean(out**2)))
        out = limited(out * np.float32(loud / now)) if now > 1e-6 else out
        edge = min(round(0.004 * sound.sample_rate), len(out) // 2)
        ramp = np.linspace(0, 1, edge, dtype=np.float32)
        out[:edge] *= ramp
        out[len(out) - edge :] *= ramp[::-1]
        return replace(speech, sound=replace(sound, samples=out[:, None]))

    def _converted(self, y: Float32, own: Profile) -> Float32:
        aim, seen = self.profile, analyse(y)
        voiced = seen.pitch > 0
        pitch = np.zeros_like(seen.pitch)
        wider = float(np.clip(aim.range / own.range, 0.7, 1.4))
        pitch[voiced] = np.exp((np.log(seen.pitch[voiced]) - own.pitch) * wider + aim.pitch)
        warp = formant_warp(own.voiced, aim.voiced)
        power = _warped(np.log(seen.power + 1e-16), warp)
        colour = np.where(
            voiced[:, None],
            _colour(_warped(own.voiced[None], warp)[0], aim.voiced),
            _colour(_warped(own.unvoiced[None], warp)[0], aim.unvoiced),
        )
        shade = np.array([0.25, 0.5, 0.25])
        colour = np.apply_along_axis(np.convolve, 0, np.pad(colour, ((1, 1), (0, 0)), "edge"), shade, "valid")
        more = 0.5 * _tapered(aim.breath - own.breath)
        breath = seen.breath + np.where(voiced[:, None], more, 0.0)
        clean = Analysis(pitch, np.exp(power + colour), np.clip(breath, 1e-4, 1.0))
        return synthesise(clean, len(y))


def formant_warp(own: Float64, aim: Float64) -> float:
    """Return by what factor formants move so that ``own``, (bins,) log power, looks most like ``aim``."""
    best, at = -np.inf, 1.0
    target = _detail(aim)
    for warp in np.linspace(1 - WARP, 1 + WARP, 37):
        moved = _detail(_warped(own[None], float(warp))[0])
        alike = float(np.corrcoef(moved, target)[0, 1]) - 0.5 * abs(np.log(warp))
        if alike > best:
            best, at = alike, float(warp)
    return at


def _detail(shape: Float64) -> Float64:
    """Return the formants of ``shape``: between 200 Hz and 5 kHz, without its tilt."""
    bins = np.arange(len(shape)) * RATE / 2 / (len(shape) - 1)
    part = _liftered(shape)[(bins > 200) & (bins < 5000)]
    x = np.linspace(-1, 1, len(part))
    return np.asarray(part - np.polyval(np.polyfit(x, part, 2), x))


def _warped(shapes: Float64, warp: float) -> Float64:
    """Return ``shapes``, (T, bins), with what was at f at warp * f."""
    bins = shapes.shape[1]
    place = np.clip(np.arange(bins) / warp, 0, bins - 1)
    low = np.minimum(place.astype(int), bins - 2)
    part = place - low
    return np.asarray(shapes[:, low] * (1 - part) + shapes[:, low + 1] * part)


def _colour(own: Float64, aim: Float64) -> Float64:
    """Return what is added to log power to make ``own`` sound like ``aim``, (bins,), smooth and bounded."""
    most = COLOUR_DB * np.log(10) / 10
    return np.asarray(most * np.tanh(_liftered(_tapered(aim - own)) / most))


def _tapered(difference: Float64) -> Float64:
    """Return ``difference``, (bins,), with what lies outside the band that is known led to nothing."""
    bins = len(difference)
    band = in_band(bins)
    out = difference.copy()
    out[: band.start] = out[band.start]
    top = np.arange(band.stop, bins)
    out[band.stop :] = out[band.stop - 1] * np.clip(1 - (top - band.stop) / (bins / 4), 0, 1)
    return out


def _liftered(shape: Float64) -> Float64:
    cepstrum = np.fft.irfft(shape)
    cepstrum[SMOOTH : len(cepstrum) - SMOOTH + 1] = 0
    return np.asarray(np.fft.rfft(cepstrum).real)


def _sound(file: Path) -> Float32:
    from rhapsode.audio.decode import SoundFile
    from rhapsode.audio.levels import downmix

    sound, parts, seconds = SoundFile(file), [], 0.0
    for block in sound.blocks():
        parts.append(downmix(block))
        seconds += len(block) / sound.sample_rate
        if seconds >= LONGEST_S:
            break
    return resample(np.concatenate(parts), sound.sample_rate, RATE)


def _load(file: Path) -> Timbre:
    try:
        with np.load(file, allow_pickle=False) as held:
            told = json.loads(str(held["told"]))
            if told["version"] != _VERSION or told["rate"] != RATE:
                raise ValueError(f"version {told['version']} at {told['rate']} Hz")
            shapes = [np.asarray(held[name], np.float64) for name in ("voiced", "unvoiced", "breath")]
            if len({shape.shape for shape in shapes}) != 1 or not all(np.isfinite(s).all() for s in shapes):
                raise ValueError("shapes that do not fit")
            voiced, unvoiced, breath = shapes
            profile = Profile(told["pitch"], told["range"], voiced, unvoiced, breath, told["seconds"])
            return Timbre(profile, str(told["name"]), str(told["sha256"]))
    except FileNotFoundError as error:
        raise FormatError(f"there is no timbre '{file}'; make one with: rhapsode voice make") from error
    except Exception as error:  # anything may be wrong with a damaged file
        raise FormatError(
            f"'{file}' is no timbre of this version ({error}); make it again with: rhapsode voice make"
        ) from error
