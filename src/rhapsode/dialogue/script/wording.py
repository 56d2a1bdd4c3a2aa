"""What is said where a script does not say it itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

GREETINGS: Mapping[str, tuple[str, ...]] = {
    "en": ("[joy:0.4] Hello! What can I do for you?", "[joy:0.4] Hello, good to see you. How can I help?"),
    "zh": ("[joy:0.4] 您好！有什么可以帮您？", "[joy:0.4] 您好，很高兴见到您。想问点什么？"),
}
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "I am afraid I do not know that.",
        "I have no answer to that. Could you ask in other words?",
        "That one I cannot answer.",
    ),
    "zh": ("很抱歉，这个我不知道。", "这个我答不上来，您能换个说法吗？", "这个问题我还不会回答。"),
}
DID_YOU_MEAN: Mapping[str, tuple[str, ...]] = {
    "en": ("I am not sure that I understood. Did you mean: {questions}",),
    "zh": ("我不太确定是否听懂了。您是想问：{questions}",),
}

_BETWEEN: Mapping[str, str] = {"en": " Or: ", "zh": "还是："}


def listed(questions: Sequence[str], language: str) -> str:
    """Return ``questions`` as one text to be spoken in ``language``."""
    between = _BETWEEN.get(language.partition("-")[0], " ")
    return between.join(questions)
