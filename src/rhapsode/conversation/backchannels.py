"""What listeners say without meaning to take the turn: "mm-hm", "right", "嗯"."""

from __future__ import annotations

import re

_SOUNDS = (
    "mm mmm hm hmm hmmm mhm mmhm mm-hm mm-hmm mhmm uh-huh uhuh uh um ah aha oh ooh wow yeah yep yes yup ok "
    "okay right sure cool nice great good exactly indeed true alright "
    "嗯 嗯嗯 哦 噢 喔 啊 哎 呃 唔 好 好的 好吧 对 对对 对啊 是 是的 是啊 行 明白 知道了 原来如此 真的 真的吗 "
    "哈 哈哈 はい うん ええ へえ そう そうですか なるほど 네 예 응 그래 हाँ अच्छा जी "
    "sí si claro vale bueno oui ouais bien d'accord sim certo sì già ja genau"
)
_WORDS = frozenset(_SOUNDS.split())
_PHRASES = frozenset(("i see", "got it", "of course", "all right", "oh really", "oh wow", "go on", "oh yeah"))


_STOP_PHRASES = (
    "stop;stop it;stop please;please stop;wait;hold on;quiet;be quiet;silence;shut up;enough;thats enough;"
    "that's enough;never mind;stop talking;"
    "停;停下;停一下;别说了;不要说了;等一下;等等;安静;够了;住口;止めて;ストップ;待って;静かに;그만;멈춰;"
    "para;basta;silencio;arrête;stopp;ruhe;pare"
)
_STOPS = frozenset(_STOP_PHRASES.split(";"))


def is_stop(text: str) -> bool:
    """Tell whether ``text`` only asks to be silent.

    Example:
        >>> is_stop("Stop, please!"), is_stop("停！"), is_stop("Where do I stop?")
        (True, True, False)

    """
    return _plain(text) in _STOPS


def is_backchannel(text: str) -> bool:
    """Tell whether ``text`` only shows that somebody listens.

    Example:
        >>> is_backchannel("Mm-hm, yeah."), is_backchannel("Stop."), is_backchannel("嗯，好的。")
        (True, False, True)

    """
    plain = _plain(text)
    if plain in _PHRASES:
        return True
    words = plain.split()
    return len(words) <= 4 and all(word in _WORDS for word in words)


def _plain(text: str) -> str:
    return re.sub(r"[^\w'\-]+", " ", text.lower()).strip()
