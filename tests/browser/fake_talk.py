"""The conversation of `tests.browser.fake_stage`: made-up answers, told by the events of protocol 3."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.browser.fake_client import Client

STARTERS = {
    "en": ["Hello!", "When are you open?", "What can I see here?", "Tell me a long story"],
    "zh": ["你好！", "几点开门？", "这里能看到什么？"],
}
STAGES = {"turn_end": 210.0, "recognise": 330.0, "think": 24.0, "speak": 190.0, "perform": 86.0}
_STORY = (
    "Once upon a time there was a clock that told the truth. Every hour it rang, and every hour somebody "
    "listened. Then one day it stopped, and the whole town held its breath."
)


@dataclass(frozen=True)
class Reply:
    """An answer: its pieces, where it comes from, and what is shown beside it."""

    pieces: tuple[str, ...]
    kind: str = "script"
    id: str = "entry"
    score: float | None = 0.94
    reason: str = ""
    emotion: str | None = None
    gesture: str = ""
    language: str = "en"
    link: tuple[str, str] = ("", "")
    suggestions: tuple[str, ...] = ()


REPLIES = {
    "hello!": Reply(
        ("Hello! ", "I am the guide of this house. ", "It is good to see you."),
        id="greeting", emotion="joy:0.6", gesture="wave",
    ),
    "when are you open?": Reply(
        ("We are open every day but Monday,", " from ten to six."), id="hours",
        link=("Opening hours", "https://museum.example/hours"),
    ),
    "wen opn": Reply(
        ("I am not sure what you mean.",), kind="fallback", id="", score=0.41, reason="nothing fits",
        suggestions=("When are you open?", "What does a ticket cost?"),
    ),
    "trap": Reply(("Look at this.",), link=("A trap", "javascript:window.trapped=1")),
    "tell me a long story": Reply(
        (_STORY,), kind="model", id="some-model", score=None, emotion="sadness:0.3"
    ),
    "你好！": Reply(
        ("你好！", "我是这里的讲解员。", "很高兴见到你。"),
        id="greeting", emotion="joy:0.6", gesture="wave", language="zh",
    ),
    "几点开门？": Reply(
        ("周一闭馆，", "其他日子十点到十八点开放。"), id="hours", language="zh",
        link=("开放时间", "https://museum.example/zh/hours"),
    ),
}  # fmt: skip
OTHER = Reply(
    ("That is a good question.", "Let me think about it."), kind="model", id="some-model", score=None
)


def facts(talks: bool) -> dict[str, Any]:
    """Return what "ready" says about talking."""
    why = None if talks else "needs pip install 'rhapsode[converse]'"
    return {
        "available": talks, "why": why, "languages": ["en", "zh"], "language": "", "script": "museum",
        "kind": "script", "starters": STARTERS,
    }  # fmt: skip


@dataclass
class FakeTalk:
    """Answers the questions of one client."""

    client: Client
    turn: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    meant: str = ""
    language: str = "en"

    async def tell(self, event: str, **fields: Any) -> None:
        """Tell an event."""
        await self.client.send(type="talk", event=event, **fields)

    async def asked(self, text: str, *, spoken: bool = False, emotion: str | None = None) -> None:
        """Tell that a question is complete."""
        self.turn += 1
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text)
        self.language = "zh" if chinese else "en"
        await self.tell(
            "asked", turn=self.turn, text=text, language=self.language, certainty=0.93 if spoken else 1.0,
            spoken=spoken, emotion=emotion, emotion_certainty=0.7,
        )  # fmt: skip
        self.history.append({"role": "user", "text": text, "language": self.language, "interrupted": False})

    async def answer(self, text: str, *, spoken: bool = False, emotion: str | None = None) -> None:
        """Answer a question as the real one does: asked, thinking, answering, the text, sound, the end."""
        await self.asked(text, spoken=spoken, emotion=emotion)
        turn = self.turn
        await self.tell("state_changed", state="thinking")
        await asyncio.sleep(0.15)
        if text == "fault":
            await self.tell("fault", part="think", message="the model at 127.0.0.1 refused; is it running?")
            await self.tell("state_changed", state="idle")
            await self.client.idle(announce=True)
            return
        reply = REPLIES.get(text.lower(), OTHER)
        await self.tell(
            "answering", turn=turn, kind=reply.kind, id=reply.id, score=reply.score, reason=reply.reason
        )
        if reply.emotion or reply.gesture:
            await self.tell("felt", emotion=reply.emotion, gesture=reply.gesture)
        self.meant = "".join(reply.pieces)
        for piece in reply.pieces:
            await self.tell("answer_text", turn=turn, text=piece)
        title, url = reply.link
        if url or reply.suggestions:
            await self.tell("shown", turn=turn, title=title, url=url, suggestions=list(reply.suggestions))
        await self.client.speak(self.meant, "say", lambda: self.tell_speaking(turn), self.over)

    async def tell_speaking(self, turn: int) -> None:
        """Tell that the first sound is heard, and how long it took."""
        await self.tell("speaking_started", turn=turn, generation=1)
        await self.tell("state_changed", state="speaking")
        await self.tell("latency", turn=turn, total_ms=840.0, stages_ms=STAGES)

    async def over(self, heard: str | None = None) -> None:
        """Tell that the answer is over; ``heard`` is what was heard of it where it was cut."""
        if not self.meant:
            return
        text = self.meant if heard is None else heard
        await self.tell(
            "answered", turn=self.turn, text=text, meant=self.meant, language=self.language,
            interrupted=heard is not None,
        )  # fmt: skip
        row = {"role": "assistant", "text": text, "language": self.language, "interrupted": heard is not None}
        self.history.append(row)
        self.meant = ""
        await self.tell("state_changed", state="idle")

    async def cut(self) -> None:
        """Cut the answer after its fourth word, as an interruption does."""
        await self.over(" ".join(self.meant.split(" ")[:4]))
