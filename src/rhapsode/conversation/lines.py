"""What is said where nothing was understood, in the listener's language."""

from __future__ import annotations

from typing import Literal

from rhapsode.dialogue.fallbacks import fallback

_AGAIN = {
    "en": "Sorry, I did not catch that. Could you say it again?",
    "zh": "抱歉，我没有听清，请您再说一遍好吗？",
    "ja": "すみません、聞き取れませんでした。もう一度お願いします。",
    "ko": "죄송해요, 잘 못 들었어요. 다시 한번 말씀해 주시겠어요?",
    "es": "Perdón, no le he entendido. ¿Puede repetirlo?",
    "fr": "Pardon, je n'ai pas compris. Pouvez-vous répéter ?",
    "de": "Entschuldigung, das habe ich nicht verstanden. Sagen Sie es bitte noch einmal?",
    "it": "Scusi, non ho capito. Può ripetere?",
    "pt": "Desculpe, não entendi. Pode repetir?",
    "hi": "माफ़ कीजिए, मैं समझ नहीं पाई। क्या आप फिर से कहेंगे?",
}


def line(kind: Literal["again", "failed"], language: str) -> str:
    """Return a line without marks.

    Args:
        kind: "again" asks to repeat; "failed" says that there is no answer.
        language: of the listener, BCP 47.

    """
    if kind == "failed":
        return fallback(language)
    return _AGAIN.get(language.split("-")[0].lower(), _AGAIN["en"])
