"""Lines that are spoken where no answer can be had, in the listener's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["trouble", "slow", "cut"]
"""No answer can be had; it took too long; it broke off in the middle."""

USUAL = "en"
"""Language of the lines for whom there are none."""

_LINES: Mapping[str, Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        "en": {
            "trouble": (
                "I'm sorry, I can't answer that right now. Please ask me again in a moment.",
                "I'm afraid I can't think of an answer at the moment. Could you try again a little later?",
            ),
            "slow": (
                "I'm sorry, thinking takes me too long right now. Could you ask me once more?",
                "Sorry, I need more time for that than I have. Shall we try something else?",
            ),
            "cut": ("I'm sorry, I lost my thread. Please ask me again.",),
        },
        "zh": {
            "trouble": (
                "抱歉，我现在无法回答这个问题，请稍后再问我一次。",
                "不好意思，我一时想不出答案，过一会儿再试好吗？",
            ),
            "slow": (
                "抱歉，我现在想得太慢了，请您再问一次好吗？",
                "不好意思，这个问题要花太久，我们换个话题好吗？",
            ),
            "cut": ("抱歉，我的思路断了，请再问我一次。",),
        },
        "ja": {
            "trouble": (
                "申し訳ありません、今はお答えできません。少ししてからもう一度お尋ねください。",
                "すみません、すぐに答えが出てきません。後ほどもう一度お試しいただけますか。",
            ),
            "slow": (
                "すみません、考えるのに時間がかかっています。もう一度聞いていただけますか。",
                "すみません、少し時間が足りません。ほかのことを聞いていただけますか。",
            ),
            "cut": ("すみません、話が途切れてしまいました。もう一度お尋ねください。",),
        },
        "ko": {
            "trouble": (
                "죄송하지만 지금은 대답하기 어렵습니다. 잠시 후에 다시 물어봐 주세요.",
                "죄송합니다, 지금은 답이 떠오르지 않네요. 조금 뒤에 다시 시도해 주시겠어요?",
            ),
            "slow": (
                "죄송합니다, 생각하는 데 시간이 너무 오래 걸리네요. 다시 한번 물어봐 주시겠어요?",
                "죄송합니다, 시간이 더 필요합니다. 다른 이야기를 해 볼까요?",
            ),
            "cut": ("죄송합니다, 말이 끊겼네요. 다시 물어봐 주세요.",),
        },
        "es": {
            "trouble": (
                "Lo siento, ahora mismo no puedo responder a eso. Pregúnteme otra vez dentro de un momento.",
                "Disculpe, ahora no se me ocurre una respuesta. ¿Puede intentarlo un poco más tarde?",
            ),
            "slow": (
                "Lo siento, estoy tardando demasiado en pensar. ¿Puede preguntármelo otra vez?",
                "Perdone, para eso necesito más tiempo. ¿Probamos con otra cosa?",
            ),
            "cut": ("Lo siento, he perdido el hilo. Pregúnteme otra vez, por favor.",),
        },
        "fr": {
            "trouble": (
                "Pardon, je ne peux pas y répondre pour le moment. Reposez-moi la question dans un instant.",
                "Excusez-moi, aucune réponse ne me vient. Pouvez-vous réessayer un peu plus tard ?",
            ),
            "slow": (
                "Excusez-moi, je mets trop de temps à réfléchir. Pouvez-vous me le redemander ?",
                "Pardon, il me faudrait plus de temps pour cela. Essayons autre chose ?",
            ),
            "cut": ("Excusez-moi, j'ai perdu le fil. Reposez-moi la question, s'il vous plaît.",),
        },
        "de": {
            "trouble": (
                "Das kann ich gerade leider nicht beantworten. Bitte fragen Sie mich gleich noch einmal.",
                "Leider fällt mir gerade keine Antwort ein. Versuchen Sie es bitte etwas später noch einmal.",
            ),
            "slow": (
                "Entschuldigung, ich denke gerade zu langsam. Fragen Sie mich bitte noch einmal?",
                "Entschuldigung, dafür brauche ich mehr Zeit. Wollen wir etwas anderes versuchen?",
            ),
            "cut": ("Entschuldigung, ich habe den Faden verloren. Bitte fragen Sie mich noch einmal.",),
        },
        "it": {
            "trouble": (
                "Mi dispiace, al momento non posso rispondere. Me lo chieda di nuovo tra un attimo.",
                "Mi scusi, adesso non mi viene una risposta. Può riprovare un po' più tardi?",
            ),
            "slow": (
                "Mi scusi, ci sto mettendo troppo a pensare. Può chiedermelo ancora una volta?",
                "Mi dispiace, per questo mi serve più tempo. Proviamo con qualcos'altro?",
            ),
            "cut": ("Mi scusi, ho perso il filo. Me lo chieda di nuovo, per favore.",),
        },
        "pt": {
            "trouble": (
                "Desculpe, não consigo responder a isso agora. Pergunte-me novamente daqui a pouco.",
                "Lamento, agora não me ocorre uma resposta. Pode tentar de novo um pouco mais tarde?",
            ),
            "slow": (
                "Desculpe, estou demorando demais para pensar. Pode me perguntar mais uma vez?",
                "Desculpe, preciso de mais tempo para isso. Vamos tentar outra coisa?",
            ),
            "cut": ("Desculpe, perdi o fio da meada. Pergunte-me outra vez, por favor.",),
        },
        "hi": {
            "trouble": (
                "माफ़ कीजिए, अभी इसका जवाब देना संभव नहीं है। कृपया थोड़ी देर में फिर से पूछिए।",
                "क्षमा कीजिए, अभी मुझे जवाब नहीं सूझ रहा। क्या आप थोड़ी देर बाद फिर कोशिश करेंगे?",
            ),
            "slow": (
                "माफ़ कीजिए, सोचने में बहुत समय लग रहा है। क्या आप एक बार फिर पूछेंगे?",
                "माफ़ कीजिए, इसके लिए मुझे और समय चाहिए। क्या हम कुछ और आज़माएँ?",
            ),
            "cut": ("माफ़ कीजिए, मेरी बात बीच में टूट गई। कृपया फिर से पूछिए।",),
        },
        "ru": {
            "trouble": (
                "Извините, сейчас я не могу на это ответить. Спросите меня ещё раз чуть позже.",
                "К сожалению, ответ мне сейчас не приходит в голову. Попробуете немного позже?",
            ),
            "slow": (
                "Извините, я слишком долго думаю. Спросите меня, пожалуйста, ещё раз.",
                "Простите, на это мне нужно больше времени. Попробуем что-нибудь другое?",
            ),
            "cut": ("Извините, нить разговора потерялась. Спросите меня, пожалуйста, ещё раз.",),
        },
        "nl": {
            "trouble": (
                "Het spijt me, dat kan ik nu niet beantwoorden. Vraag het me straks nog eens.",
                "Sorry, ik kan nu geen antwoord bedenken. Wilt u het later nog eens proberen?",
            ),
            "slow": (
                "Sorry, het nadenken duurt nu te lang. Wilt u het me nog eens vragen?",
                "Sorry, daar heb ik meer tijd voor nodig. Zullen we iets anders proberen?",
            ),
            "cut": ("Sorry, ik ben de draad kwijt. Vraag het me alstublieft nog eens.",),
        },
    }
)

LANGUAGES: tuple[str, ...] = tuple(_LINES)
"""Languages that lines are there for, BCP 47."""


def served(language: str) -> str:
    """Return the language of the lines for who speaks ``language`` (BCP 47): the same, or `USUAL`."""
    base = language.replace("_", "-").partition("-")[0].lower()
    return base if base in _LINES else USUAL


def fallback(language: str = USUAL, kind: Kind = "trouble", *, nth: int = 0) -> str:
    """Return a line without marks.

    Args:
        language: of the listener, BCP 47; `served` tells which one the line is in.
        kind: what happened.
        nth: counts up where the same happens again, so that the next line is said.

    """
    lines = _LINES[served(language)][kind]
    return lines[nth % len(lines)]


def lines(language: str = USUAL) -> tuple[str, ...]:
    """Return all lines for who speaks ``language``, for voices that prepare what they may have to say."""
    return tuple(line for some in _LINES[served(language)].values() for line in some)
