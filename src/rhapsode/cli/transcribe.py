"""``rhapsode transcribe``: what is said in a sound or video file, in which language and how it is felt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rhapsode.performance import Float32
    from rhapsode.speech.recognition import Heard, Recogniser


def transcribe(
    file: Annotated[Path, typer.Argument(help="Sound or video file.")],
    model: Annotated[
        str,
        typer.Option(
            help="whisper-base and whisper-tiny.en need no network; or a Whisper model of the hub "
            "(large-v3), or a folder of one."
        ),
    ] = "whisper-base",
    language: Annotated[str, typer.Option(help="Language that is spoken, such as en or zh.")] = "auto",
    among: Annotated[str, typer.Option(help="Languages that auto chooses from: en,zh,ja.")] = "",
    prompt: Annotated[str, typer.Option(help="Words that are likely, such as names.")] = "",
    words: Annotated[bool, typer.Option("--words", help="With the time of every word.")] = False,
    emotion: Annotated[bool, typer.Option(help="Whether to tell what the speaker feels.")] = True,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Write down what is said in a file, offline.

    Each line is a stretch of at most 24 s, cut where it is quiet. What the speaker feels is a guess from the
    words, and from the voice once it is known.

    Examples: `rhapsode transcribe talk.mp4`, `rhapsode transcribe line.wav --among en,zh --words --json`
    """
    from rhapsode.audio.decode import read_sound
    from rhapsode.audio.resample import resample
    from rhapsode.cli.terminal import interruptible, print_json, progress_bar, say_note
    from rhapsode.speech.recognition import SAMPLE_RATE, recogniser

    with interruptible():
        sound = read_sound(file)
        y = resample(sound.samples, sound.sample_rate, SAMPLE_RATE, "VHQ")
        whisper = recogniser(model, device=device)
        choice = tuple(tag for tag in among.replace(" ", "").split(",") if tag)
        rows = []
        with progress_bar(quiet=as_json) as bar:
            task = bar.add_task(file.name, total=max(len(y), 1))
            for start, heard, felt in _heard(whisper, y, language, choice, prompt, words, emotion):
                bar.update(task, completed=start)
                if heard.text:
                    rows.append((start / SAMPLE_RATE, heard, felt))
    if as_json:
        print_json(_document(file, len(y) / SAMPLE_RATE, model, rows, words, emotion))
        return
    for start_s, heard, felt in rows:
        note = f"  ({heard.language}{', ' + str(felt[0]) if felt and felt[0] else ''})"
        typer.echo(f"{_clock(start_s)}  {heard.text}{note}")
        for word in heard.words:
            typer.echo(f"    {_clock(word.start_s)} - {_clock(word.end_s)}  {word.text}")
    if not rows:
        say_note(f"nobody speaks in '{file}'")


def _heard(
    whisper: Recogniser,
    y: Float32,
    language: str,
    among: tuple[str, ...],
    prompt: str,
    words: bool,
    emotion: bool,
) -> Any:
    """Yield for each stretch of ``y`` its first sample, the words, and the feeling with its certainty."""
    from dataclasses import replace

    from rhapsode.dialogue.feeling import Feeling
    from rhapsode.dialogue.turns import Question
    from rhapsode.speech.recognition import SAMPLE_RATE
    from rhapsode.speech.recognition.cutting import pieces

    feeling = Feeling()
    for start, piece in pieces(y):
        heard: Heard = whisper.transcribe(
            piece, language=language, languages=among, prompt=prompt, words=words
        )
        at_s = start / SAMPLE_RATE
        shifted = (
            replace(word, start_s=round(word.start_s + at_s, 2), end_s=round(word.end_s + at_s, 2))
            for word in heard.words
        )
        felt = None
        if emotion and heard.text:
            felt = feeling.fused(Question(heard.text, heard.language), feeling.voice(piece))
        yield start, replace(heard, words=tuple(shifted)), felt


def _document(
    file: Path, duration_s: float, model: str, rows: list[Any], words: bool, emotion: bool
) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    from rhapsode.speech.recognition.heard import joined

    stretches = []
    for start_s, heard, felt in rows:
        row: dict[str, Any] = {
            "start_s": round(start_s, 2),
            "text": heard.text,
            "language": heard.language,
            "language_certainty": round(heard.language_certainty, 3),
            "certainty": round(heard.certainty, 3),
        }
        if emotion:
            row |= {"emotion": str(felt[0]), "emotion_certainty": round(felt[1], 3)}
        if words:
            row["words"] = [vars(word) for word in heard.words]
        stretches.append(row)
    whole = joined([heard for _, heard, _ in rows]) if rows else None
    return {
        "file": str(file),
        "duration_s": round(duration_s, 3),
        "model": model,
        "text": whole.text if whole else "",
        "language": whole.language if whole else "",
        "stretches": stretches,
    }


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60):02}:{seconds % 60:05.2f}"
