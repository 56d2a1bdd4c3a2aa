"""Whisper, shared by everybody who listens (Radford et al. 2022; weights as CTranslate2 runs them).

Whisper looks at 30 s at once, and most of its time goes into 25 s of nothing behind an utterance of 5 s. Its
encoder also takes less, but then it may not find its end and say a sentence again and again. With 10 s at
least and 2 s of room behind the sound the words are as good as with 30 s, and the encoder is six times
faster; docs/listening.md has the numbers. Where a text repeats itself nevertheless, all 30 s are looked at.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np

from rhapsode.errors import AudioError, MissingExtraError, RecognitionError
from rhapsode.performance import Float32
from rhapsode.speech.recognition import guards
from rhapsode.speech.recognition.chinese import (
    SIMPLIFIED,
    TRADITIONAL_TAGS,
    punctuated,
    simplified,
    traditional_tokens,
)
from rhapsode.speech.recognition.cutting import pieces
from rhapsode.speech.recognition.heard import Heard, HeardWord, joined
from rhapsode.speech.recognition.turnstile import Turnstile
from rhapsode.speech.recognition.weights import BASE, PACKAGED, TINY_ENGLISH, locate

SAMPLE_RATE = 16_000
_HOP = 160
_WHOLE = 3000
"""Feature frames of 10 ms that Whisper was trained on."""

_WINDOWS = {BASE: (1000, 200), TINY_ENGLISH: (1500, 300)}
"""Feature frames that a model gets at least, and that it gets behind the sound, as measured."""

_BEAMS = 3
_PROMPT_TOKENS = 120


class Recogniser:
    """One Whisper, for any number of threads: calls take turns, in the order in which they came.

    Use `recogniser`, which loads each model once.

    Args:
        name: as `rhapsode.speech.recognition.weights.locate` takes it.
        threads: of the processor; 0 for two, or one where there is only one.
        device: "cpu", or "cuda" where CTranslate2 finds one.
        short: whether it looks at short sounds alone instead of at 30 s. None for what is measured: yes for
            the packaged models.

    Raises:
        MissingExtraError: faster-whisper or the package of the weights is not installed.
        RecognitionError: the weights cannot be had, or cannot be loaded.
        WeightsError: packaged weights are damaged.

    """

    def __init__(
        self, name: str = PACKAGED[0], *, threads: int = 0, device: str = "cpu", short: bool | None = None
    ) -> None:
        self.name = name
        self._turnstile = Turnstile()
        self._window = (
            None if short is False else _WINDOWS.get(name, _WINDOWS[TINY_ENGLISH] if short else None)
        )
        try:
            from faster_whisper import WhisperModel
        except ImportError:
            raise MissingExtraError("faster-whisper", "converse") from None
        folder, files = locate(name)
        kind = "int8" if device == "cpu" else "default"
        count = threads or min(os.cpu_count() or 1, 2)
        try:
            self._whisper: Any = WhisperModel(
                folder, device=device, compute_type=kind, cpu_threads=count, files=files
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise RecognitionError(
                f"the recogniser '{name}' must be a Whisper model that CTranslate2 runs on '{device}', got: "
                f"{' '.join(str(error).split())[:160]}; choose another, such as {PACKAGED[0]}"
            ) from None
        hf = self._whisper.hf_tokenizer
        many = self._whisper.model.is_multilingual
        self._traditional = (
            traditional_tokens(hf.get_vocab_size(with_added_tokens=False), hf.decode) if many else ()
        )

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """BCP 47 tags of the languages that it knows."""
        if not self._whisper.model.is_multilingual:
            return ("en",)
        from faster_whisper.tokenizer import _LANGUAGE_CODES

        token_of = self._whisper.hf_tokenizer.token_to_id
        return tuple(code for code in _LANGUAGE_CODES if token_of(f"<|{code}|>") is not None)

    @property
    def busy(self) -> bool:
        """Whether somebody is being listened to."""
        return self._turnstile.busy

    def transcribe(
        self,
        samples: Float32,
        *,
        language: str = "auto",
        languages: Collection[str] = (),
        prompt: str = "",
        words: bool = False,
    ) -> Heard:
        """Return the words of a sound.

        Long sounds are cut where they are quiet; others get their turn in between. Safe to call from any
        thread.

        Args:
            samples: (n,) float32 mono at 16 kHz, in [-1, 1].
            language: BCP 47 tag of what is spoken; "auto" finds out.
            languages: that "auto" chooses from; empty for all it knows.
            prompt: words that are likely, such as names; at most some 120 tokens of it count.
            words: whether the times of words are wanted.

        Returns:
            What was heard; an empty text where nobody spoke.

        Raises:
            RecognitionError: it does not know a language.
            AudioError: the samples are not one finite channel.

        """
        y = _checked(samples)
        choice = self._choice(language, languages)
        return joined(
            [self._piece(piece, start / SAMPLE_RATE, choice, prompt, words) for start, piece in pieces(y)]
        )

    def glimpse(
        self, samples: Float32, *, language: str = "auto", languages: Collection[str] = ()
    ) -> Heard | None:
        """Return the words of the last 24 s of a sound that goes on, quickly and less well.

        Returns:
            None where the recogniser is busy: words that may change wait for nobody's final ones.

        """
        y = _checked(samples)[-24 * SAMPLE_RATE :]
        choice = self._choice(language, languages)
        if guards.peak_level_db(y) < guards.QUIET_DB:
            return _nothing(choice)
        features = self._features(y)
        with self._turnstile.passing_if_free() as free:
            return self._decoded(features, len(y), choice, "", beams=1, words=False)[0] if free else None

    def _piece(self, y: Float32, at_s: float, choice: tuple[str, ...], prompt: str, words: bool) -> Heard:
        if guards.peak_level_db(y) < guards.QUIET_DB:
            return _nothing(choice)
        features = self._features(y)
        with self._turnstile.passing():
            heard, looped = self._decoded(
                features, len(y), choice, prompt, beams=_BEAMS, words=words, at_s=at_s
            )
            if looped and self._window:
                heard, _ = self._decoded(
                    features, len(y), choice, prompt, beams=_BEAMS, words=words, at_s=at_s, whole=True
                )
        return heard

    def _features(self, y: Float32) -> Float32:
        features: Float32 = self._whisper.feature_extractor(y)
        return features[:, :_WHOLE]

    def _decoded(
        self,
        features: Float32,
        samples: int,
        choice: tuple[str, ...],
        prompt: str,
        *,
        beams: int,
        words: bool,
        at_s: float = 0.0,
        whole: bool = False,
    ) -> tuple[Heard, bool]:
        """Return what was heard, and whether its text repeats itself."""
        whisper = self._whisper
        spoken = -(-samples // _HOP)
        least, room = (_WHOLE, 0) if whole or self._window is None else self._window
        window = min(max(spoken + room, least), _WHOLE)
        cut = features[:, :window]
        seen = whisper.encode(np.pad(cut, ((0, 0), (0, window - cut.shape[1]))))
        tag, sure = self._language(seen, choice)
        tokenizer = self._tokenizer(tag.split("-")[0])
        mainland = tag.startswith("zh") and not tag.lower().startswith(TRADITIONAL_TAGS)
        before = _before(tokenizer, prompt, mainland)
        start = [*before, *tokenizer.sot_sequence, tokenizer.no_timestamps]
        found = whisper.model.generate(
            seen,
            [start],
            beam_size=beams,
            max_length=min(len(start) + 20 + 20 * samples // SAMPLE_RATE, whisper.max_length),
            suppress_tokens=[-1, *(self._traditional if mainland else ())],
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in found.sequences_ids[0] if token < tokenizer.eot]
        # The score is the mean over tokens without the end; with it, it is comparable to Whisper's
        # thresholds.
        mean_log = found.scores[0] * len(tokens) / (len(tokens) + 1) if tokens else -math.inf
        text, looped = guards.unlooped(guards.cleaned(tokenizer.decode(tokens)))
        if not text or not guards.believable(text, no_speech=found.no_speech_prob, mean_log=mean_log):
            return _nothing(choice), looped
        again = looped or guards.is_doubled(text)
        times = self._times(tokenizer, tokens, seen, spoken, at_s, mainland) if words and not looped else ()
        return Heard(
            simplified(punctuated(text)) if mainland else text, tag, sure, min(math.exp(mean_log), 1.0), times
        ), again

    def _language(self, seen: Any, choice: tuple[str, ...]) -> tuple[str, float]:
        """Return the language of what the encoder gave, among ``choice``, and its share among them."""
        if len(choice) == 1:
            return choice[0], 1.0
        if not self._whisper.model.is_multilingual:
            return "en", 1.0
        shares = {token[2:-2]: share for token, share in self._whisper.model.detect_language(seen)[0]}
        among = {tag: shares.get(tag.split("-")[0], 0.0) for tag in choice or self.languages}
        best = max(among, key=among.__getitem__)
        return best, among[best] / max(sum(among.values()), 1e-9)

    def _choice(self, language: str, languages: Collection[str]) -> tuple[str, ...]:
        """Return the tags to choose from; empty for all."""
        wanted = tuple(dict.fromkeys([language] if language != "auto" else languages))
        unknown = [tag for tag in wanted if tag.split("-")[0].lower() not in self.languages]
        if unknown and len(unknown) == len(wanted):
            others = ", ".join(name for name in PACKAGED if name != self.name)
            known = ", ".join(self.languages[:12]) + (", ..." if len(self.languages) > 12 else "")
            raise RecognitionError(
                f"the recogniser '{self.name}' knows {known}; got the language '{unknown[0]}'; choose one "
                f"that it knows, 'auto', or another recogniser ({others})"
            )
        return tuple(tag for tag in wanted if tag not in unknown)

    def _tokenizer(self, code: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        many = self._whisper.model.is_multilingual
        return Tokenizer(self._whisper.hf_tokenizer, many, task="transcribe", language=code if many else "en")

    def _times(
        self, tokenizer: Any, tokens: list[int], seen: Any, frames: int, at_s: float, chinese: bool
    ) -> tuple[HeardWord, ...]:
        """Return the words of ``tokens`` with their times, which its attention tells."""
        from faster_whisper.transcribe import merge_punctuations

        found = self._whisper.find_alignment(tokenizer, [tokens], seen, frames)[0]
        merge_punctuations(found, "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、")
        longest = frames * _HOP / SAMPLE_RATE
        return tuple(
            HeardWord(
                simplified(punctuated(word["word"].strip())) if chinese else word["word"].strip(),
                round(at_s + min(float(word["start"]), longest), 2),
                round(at_s + min(float(word["end"]), longest), 2),
                round(float(word["probability"]), 3),
            )
            for word in found
            if word["word"].strip()
        )


def _before(tokenizer: Any, prompt: str, mainland: bool) -> list[int]:
    """Return the tokens of what was said before."""
    said = tokenizer.encode(" " + prompt.strip())[-_PROMPT_TOKENS:] if prompt.strip() else []
    if mainland:
        said = [*said, *tokenizer.encode(SIMPLIFIED)]
    return [tokenizer.sot_prev, *said] if said else []


def _nothing(choice: tuple[str, ...]) -> Heard:
    return Heard("", choice[0] if len(choice) == 1 else "", 0.0, 0.0)


def _checked(samples: Float32) -> Float32:
    y = np.asarray(samples)
    finite = y.dtype.kind == "f" and bool(np.isfinite(y).all())
    if y.ndim != 1 or not finite:
        raise AudioError(
            "a recogniser needs (n,) finite float samples of one channel at 16 kHz, got "
            f"{y.dtype} of shape {y.shape}{'' if finite else ' that are not all finite numbers'}; "
            "mix the channels and resample first"
        )
    return np.asarray(y, np.float32)
