"""What a language model is told: who it is, how it speaks, what was said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rhapsode.dialogue.turns import Call, Question, Turn
from rhapsode.face.emotion import EMOTIONS

Message = dict[str, Any]
"""A message of the chat completions protocol."""

INTERRUPTED = "[interrupted]"
"""What stands behind an answer of which the listener heard no more; as a mark it is never spoken."""

PERSONA = "You are a friendly, attentive digital human who talks with a visitor."

LONGEST_HISTORY = 16_000
"""Characters of earlier turns that are told at most; the oldest are left out first."""

LONGEST_QUESTION = 8_000

ARRIVES, WAITS = "(The visitor arrives.)", "(The visitor waits for you to go on.)"
"""What stands where the visitor said nothing: templates of models want a turn of the user's there."""

NO_RESULT = "(done; there is no result)"
"""What the model is told of a call whose result nobody gave."""

_GESTURES = ("nod", "shake", "shrug", "wave", "bow", "tilt", "think")

_MANNER = f"""Your words are spoken aloud by a voice, and a face performs them.
- Answer in one to three short spoken sentences, unless you are asked for more.
- Plain words only: no lists, headings, tables, links, code, emoji or stage directions.
- You may put marks between sentences. Feelings: {" ".join(f"[{name}]" for name in EMOTIONS)} [neutral], \
with a level where it is not full: [joy:0.4]. Gestures: {" ".join(f"[{name}]" for name in _GESTURES)}. \
A silence: [pause 0.5]. At most one feeling and one gesture a sentence, only where they come \
naturally; never speak of them.
- {INTERRUPTED} behind an earlier answer of yours says that the listener heard no more of it.
- If you do not know something, say so."""

_NAMES: Mapping[str, str] = {
    "en": "English",
    "zh": "Chinese (Mandarin)",
    "ja": "Japanese",
    "ko": "Korean",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "it": "Italian",
    "pt": "Portuguese",
    "hi": "Hindi",
    "ru": "Russian",
    "nl": "Dutch",
    "pl": "Polish",
    "tr": "Turkish",
    "ar": "Arabic",
    "sv": "Swedish",
    "da": "Danish",
    "no": "Norwegian",
    "nb": "Norwegian",
    "fi": "Finnish",
    "cs": "Czech",
    "el": "Greek",
    "he": "Hebrew",
    "hu": "Hungarian",
    "ro": "Romanian",
    "th": "Thai",
    "vi": "Vietnamese",
    "id": "Indonesian",
    "uk": "Ukrainian",
    "fa": "Persian",
    "bn": "Bengali",
    "ta": "Tamil",
    "ms": "Malay",
    "ca": "Catalan",
    "yue": "Cantonese",
    "zh-TW": "Chinese (Taiwan, traditional characters)",
}


@dataclass(frozen=True)
class Fact:
    """Something that the model may rely on: a question with its answer, without marks."""

    question: str
    answer: str


def language_name(tag: str) -> str:
    """Return the English name of a language (BCP 47), or the tag where none is known here.

    Example:
        >>> language_name("zh-CN")
        'Chinese (Mandarin)'

    """
    return _NAMES.get(tag) or _NAMES.get(tag.partition("-")[0].lower()) or tag


def system_message(
    language: str, *, persona: str = "", facts: Sequence[Fact] = (), today: date | None = None
) -> Message:
    """Return the message that comes first.

    What changes with each question stands last, so that servers can keep what they made of the rest.
    """
    parts = [
        persona.strip() or PERSONA,
        _MANNER,
        f"Today is {(today or date.today()):%A, %d %B %Y}.",
        f"The listener speaks {language_name(language)}: answer in it.",
    ]
    if facts:
        known = "\n".join(f"Q: {_line(fact.question)}\nA: {_line(fact.answer)}" for fact in facts)
        parts.append(
            "Facts you have at hand. If they fit the question, answer only from these and add nothing that "
            f"they do not say; if they do not fit, do not mention them:\n{known}"
        )
    return {"role": "system", "content": "\n\n".join(parts)}


def _line(text: str) -> str:
    return " ".join(text.split())


def history_messages(history: Sequence[Turn], *, longest: int) -> list[Message]:
    """Return the last ``longest`` turns as messages whose roles alternate, the first one the user's.

    Templates of many models refuse any other order. A turn that was cut off ends in `INTERRUPTED`.
    """
    messages: list[Message] = []
    room = LONGEST_HISTORY
    for turn in reversed(history[len(history) - longest :] if longest < len(history) else history):
        if (room := room - _length(turn)) < 0:
            break
        text = turn.text.strip()
        if turn.interrupted and turn.role == "assistant":
            text = f"{text} {INTERRUPTED}".strip()
        if turn.calls:
            messages[:0] = called(text, turn.calls)
            continue
        if not text:
            continue
        if messages and messages[0]["role"] == turn.role:
            messages[0]["content"] = f"{text}\n{messages[0]['content'] or ''}".strip()
        else:
            messages.insert(0, {"role": turn.role, "content": text})
    if messages and messages[0]["role"] == "assistant":
        messages.insert(0, {"role": "user", "content": ARRIVES})
    return messages


def called(words: str, calls: Sequence[Call]) -> list[Message]:
    """Return the messages that tell of calls, and of what came of them."""
    wanted = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _json(call)}}
        for call in calls
    ]
    told: list[Message] = [{"role": "assistant", "content": words or None, "tool_calls": wanted}]
    for call in calls:
        result = NO_RESULT if call.result is None else call.result
        told.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return told


def _json(call: Call) -> str:
    """Return arguments that servers accept back; nonsense of the model becomes an empty object."""
    try:
        json.loads(call.arguments)
    except ValueError:
        return "{}"
    return call.arguments


def _length(turn: Turn) -> int:
    """Return how much of the room a turn takes, characters."""
    return len(turn.text) + sum(len(call.arguments) + len(call.result or "") for call in turn.calls)


def question_message(question: Question) -> Message:
    """Return the question as a message, with what is known of the person's feeling in front."""
    text = question.text.strip()[-LONGEST_QUESTION:]
    felt = question.emotion
    if felt and question.emotion_certainty >= 0.3:
        name, level = max(felt.items(), key=lambda item: item[1])
        degree = "slightly" if level < 0.35 else "strongly" if level > 0.75 else "somewhat"
        text = f"(The visitor seems to feel {degree} {name}.)\n{text}"
    return {"role": "user", "content": text}


def messages_for(
    question: Question, history: Sequence[Turn], *, persona: str, longest: int, facts: Sequence[Fact] = ()
) -> list[Message]:
    """Return everything that a request tells, in order."""
    if history and history[-1].role == "user" and history[-1].text == question.text:
        history = history[:-1]
    told = history_messages(history, longest=longest)
    system = system_message(question.language, persona=persona, facts=facts)
    if not question.text.strip():
        if not told:
            return [system, {"role": "user", "content": ARRIVES}]
        waits = [{"role": "user", "content": WAITS}] if told[-1]["role"] == "assistant" else []
        return [system, *told, *waits]
    asked = question_message(question)
    if told and told[-1]["role"] == "user":
        asked["content"] = f"{told.pop()['content']}\n{asked['content']}"
    return [system, *told, asked]
