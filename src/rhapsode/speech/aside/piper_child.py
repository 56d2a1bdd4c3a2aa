"""The child process of a Piper voice; it runs the package piper-tts that the user installed.

    python piper_child.py VOICE.onnx

Requests: {"do": "runs", "texts"} counts the stretches between spaces in each text's phones; {"do": "speak",
"text", "rate"} answers with symbols [text, first sample, end], each with the padding before it.
"""

import json
import re
import sys
from typing import Any


def _symbols(voice: Any, chunk: Any, offset: int) -> list[list[Any]]:
    """Return the symbols of one chunk; the padding behind a symbol belongs to the next."""
    pad = set(voice.config.phoneme_id_map.get("_", []))
    lengths = [] if chunk.phoneme_id_samples is None else [int(n) for n in chunk.phoneme_id_samples]
    found: list[list[Any]] = []
    at, begin, k = offset, offset, 0
    names = iter(["^", *chunk.phonemes, "$"])
    waiting = 0
    for number, length in zip(chunk.phoneme_ids, lengths, strict=False):
        at += length
        if number in pad and not waiting:
            continue
        if not waiting:
            name = next(names, "$")
            while name not in voice.config.phoneme_id_map and name != "$":
                name = next(names, "$")
            waiting = len(voice.config.phoneme_id_map.get(name, [0]))
        waiting -= 1
        k += 1
        if not waiting:
            if name not in "^$":
                found.append([name, begin, at])
            begin = at
    return found


def main() -> None:
    """Answer requests until the input ends."""
    voice: Any = None
    problem = ""
    try:
        from piper import PiperVoice, SynthesisConfig

        voice = PiperVoice.load(sys.argv[1], include_alignments=True)
    except Exception as error:  # the parent tells the user
        problem = re.sub(r"\s+", " ", str(error)) or type(error).__name__
    for line in sys.stdin.buffer:
        data = b""
        try:
            request: dict[str, Any] = json.loads(line)
            answer: dict[str, Any]
            if voice is None:
                answer = {"error": problem}
            elif request["do"] == "about":
                answer = {"sample_rate": voice.config.sample_rate, "espeak_voice": voice.config.espeak_voice}
            elif request["do"] == "runs":
                counts = []
                for text in request["texts"]:
                    phones = "".join(p for sentence in voice.phonemize(text) for p in [*sentence, " "])
                    counts.append(len(phones.split()))
                answer = {"runs": counts}
            else:
                config = SynthesisConfig(length_scale=voice.config.length_scale / request["rate"])
                symbols: list[list[Any]] = []
                samples = 0
                parts = []
                for chunk in voice.synthesize(request["text"], config, include_alignments=True):
                    symbols += _symbols(voice, chunk, samples)
                    symbols.append([" ", samples, samples])
                    parts.append(chunk.audio_float_array.astype("<f4").tobytes())
                    samples += len(chunk.audio_float_array)
                data = b"".join(parts)
                answer = {"sample_rate": voice.config.sample_rate, "symbols": symbols, "bytes": len(data)}
        except Exception as error:  # the parent tells the user
            answer, data = {"error": re.sub(r"\s+", " ", str(error)) or type(error).__name__}, b""
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
