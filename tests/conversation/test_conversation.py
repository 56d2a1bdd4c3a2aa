"""A conversation in virtual time: turns, interruption, history, latency, isolation, endings."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Fault,
    Felt,
    Latency,
    Partial,
    SpeakingStarted,
    SpeechStarted,
    SpeechStopped,
    StateChanged,
)
from rhapsode.dialogue.turns import Say, Source, Turn
from rhapsode.errors import InputError
from rhapsode.face.emotion import Emotion
from rhapsode.settings import Hear, Settings
from tests.conversation.fake import WORD_S, FakeResources, Scene, converse, tone
from tests.live.fake import SMILE

SILENCE = tone(0, 1.5)


def test_a_text_is_spoken_with_its_marks_at_their_time():
    async def story(scene: Scene) -> None:
        assert scene.talk.say("One two. [joy:0.8] Three four [nod] five.") == 1
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    started = scene.when(SpeakingStarted)
    (answered,) = scene.told(Answered)
    assert (answered.text, answered.interrupted) == ("One two. Three four five.", False)
    (joy, nod) = scene.told(Felt)
    assert joy.emotion == Emotion(joy=0.8)
    assert nod.gesture == "nod"
    assert scene.when(Felt, 0) - started == pytest.approx(2 * WORD_S, abs=0.03)
    assert scene.when(Felt, 1) - started == pytest.approx(4 * WORD_S, abs=0.03)
    assert scene.when(Answered) - started == pytest.approx(5 * WORD_S, abs=0.03)
    assert scene.talk.history == (Turn("assistant", "One two. Three four five.", "en"),)


def test_a_spoken_question_is_answered():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(0, 0.5), tone(1, 0.8), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    (asked,) = scene.told(Asked)
    assert (asked.turn, asked.text, asked.language, asked.spoken) == (1, "what time", "en", True)
    assert (asked.emotion, asked.emotion_certainty) == (Emotion(joy=0.1), 0.7)
    assert [event.state for event in scene.told(StateChanged)] == [
        "listening",
        "thinking",
        "speaking",
        "idle",
    ]
    assert scene.told(Answering) == [Answering(1, "script", "echo", 0.9, "")]
    assert "".join(e.text for e in scene.told(AnswerText)) == scene.told(Answered)[0].meant
    assert scene.talk.history == (
        Turn("user", "what time", "en"),
        Turn("assistant", "You asked what time. That is all I know about it.", "en"),
    )
    order = [type(event) for _, event in scene.events if not isinstance(event, StateChanged | Partial)]
    wanted = [SpeechStarted, SpeechStopped, Asked, Answering, AnswerText, Latency, SpeakingStarted, Answered]
    assert list(dict.fromkeys(order)) == wanted


def test_latency_counts_from_the_end_of_the_speech_to_the_first_sound():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.resources.thought.pieces = [0.3, Source("model"), Say("Well then. Here it is.")]
        await scene.hear(tone(1, 0.8), SILENCE)
        await scene.until(lambda: bool(scene.told(SpeakingStarted)))

    (scene,) = converse(story)
    (latency,) = scene.told(Latency)
    ended = scene.told(SpeechStopped)[0].at
    assert latency.total_ms == pytest.approx((scene.when(SpeakingStarted) - ended) * 1000, abs=25)
    assert sum(latency.stages_ms.values()) == pytest.approx(latency.total_ms, abs=0.5)
    assert latency.stages_ms["turn_end"] == pytest.approx(260, abs=60)  # the pause and Smart Turn
    assert latency.stages_ms["think"] == pytest.approx(300, abs=10)
    assert latency.stages_ms["perform"] == pytest.approx(60, abs=25)
    assert latency.total_ms < 750


def test_speech_interrupts_and_the_history_keeps_what_was_heard():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.talk.ask("what is it")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.hear(tone(0, 1.0))
        began = scene.now()
        await scene.hear(tone(1, 0.8), SILENCE)
        silent = next(at for at in scene.interruptions if at > began)
        assert silent - began <= 0.4 + 0.04
        assert not any(scene.sounding(silent + after / 100) for after in range(1, 40))
        assert scene.jaw(silent + 0.2) == 0
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    first, second = scene.told(Answered)
    assert (first.turn, first.interrupted, second.interrupted) == (1, True, False)
    heard_s = scene.when(Answered, 0) - scene.when(SpeakingStarted, 0)
    assert first.meant.startswith(first.text)
    assert len(first.text.split()) == int(heard_s / WORD_S + 0.5)
    asked, answer, *_ = scene.thought.asked[1][1]
    assert answer == Turn("assistant", first.text, "en", interrupted=True)
    assert asked == Turn("user", "what is it", "en")


@pytest.mark.parametrize(("level", "seconds"), [(4, 0.3), (5, 0.25)], ids=["mm-hm", "cough"])
def test_a_listener_who_only_shows_that_he_listens_interrupts_nobody(level: int, seconds: float):
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.talk.ask("what is it")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.hear(tone(0, 0.5), tone(level, seconds), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    assert not scene.told(Answered)[0].interrupted
    assert len(scene.told(Asked)) == 1
    assert len(scene.told(SpeechStarted)) == 1


def test_a_short_word_that_means_something_interrupts_once_it_is_recognised():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.talk.ask("what is it")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.hear(tone(0, 0.5), tone(1, 0.3), SILENCE)
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    assert scene.told(Answered)[0].interrupted
    assert [asked.text for asked in scene.told(Asked)] == ["what is it", "what time"]


@pytest.mark.parametrize("level", [4, 5], ids=["a long mm-hm", "noise"])
def test_an_answer_goes_on_where_nobody_meant_to_interrupt(level: int):
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.talk.ask("what is it")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.hear(tone(0, 0.5), tone(level, 0.8), SILENCE)
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    first, second = scene.told(Answered)
    assert (first.interrupted, second.interrupted) == (True, False)
    assert f"{first.text} {second.text}" == first.meant
    assert len(scene.told(Asked)) == 1


def test_stop_is_obeyed_and_not_answered():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.talk.ask("what is it")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.hear(tone(0, 0.5), tone(6, 0.3), SILENCE)

    (scene,) = converse(story)
    assert scene.told(Answered)[0].interrupted
    assert len(scene.told(Asked)) == 1
    assert scene.talk.state == "idle"


def test_who_may_not_interrupt_is_not_listened_to_meanwhile():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.talk.ask("what is it")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.hear(tone(1, 1.0), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story, settings=Settings(hear=Hear(interruptible=False)))
    assert not scene.told(Answered)[0].interrupted
    assert not scene.told(SpeechStarted)


def test_a_turn_that_is_not_complete_waits_for_its_rest():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(3, 0.6), tone(0, 0.7), tone(2, 0.6), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    assert [asked.text for asked in scene.told(Asked)] == ["wait is it"]
    assert len(scene.told(SpeechStopped)) == 1


def test_a_turn_that_never_gets_complete_ends_after_the_pause_of_the_settings():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(3, 0.6), tone(0, 2.0))
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story, settings=Settings(hear=Hear(silence_s=0.8)))
    stopped = scene.told(SpeechStopped)[0].at
    assert scene.when(Asked) - stopped == pytest.approx(0.8, abs=0.05)


def test_silence_alone_can_end_turns():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.6), tone(0, 0.6), tone(2, 0.6), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story, settings=Settings(hear=Hear(turn="silence", silence_s=1.0)))
    assert [asked.text for asked in scene.told(Asked)] == ["what time is it"]
    assert scene.when(Asked) - scene.told(SpeechStopped)[0].at == pytest.approx(1.0, abs=0.05)


def test_push_to_talk_ends_a_turn_only_when_the_button_is_released():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.6), tone(0, 4.0), tone(2, 0.6))
        assert not scene.told(Asked)
        scene.talk.end_turn()
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story, settings=Settings(hear=Hear(turn="push")))
    assert [asked.text for asked in scene.told(Asked)] == ["what time is it"]


def test_a_microphone_that_goes_off_ends_the_turn():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.6))
        scene.talk.deafen()
        scene.talk.hear(tone(2, 0.5))
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    assert [asked.text for asked in scene.told(Asked)] == ["what time"]


def test_a_microphone_that_stalls_ends_the_turn():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.6))
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    assert [asked.text for asked in scene.told(Asked)] == ["what time"]


def test_who_goes_on_before_anything_is_answered_asks_one_question():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.thought.pieces = [1.0, Source("model"), Say("Here you are.")]
        await scene.hear(tone(1, 0.6), tone(0, 0.6), tone(2, 0.6), SILENCE, SILENCE)
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    assert [asked.text for asked in scene.told(Asked)] == ["what time", "what time is it"]
    assert [(e.text, e.interrupted) for e in scene.told(Answered)] == [("", True), ("Here you are.", False)]
    assert [turn.text for turn in scene.talk.history] == ["what time is it", "Here you are."]
    assert scene.thought.closed == 2


@pytest.mark.parametrize("shown", [True, False])
def test_words_are_shown_while_they_are_spoken(shown: bool):
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 1.5), tone(2, 1.5), SILENCE)
        await scene.until(lambda: bool(scene.told(Asked)))

    (scene,) = converse(story, settings=Settings(hear=Hear(partials=shown)))
    assert [p.text for p in scene.told(Partial)] == (["what time", "what time is it"] if shown else [])
    assert scene.resources.foreseen == [*(p.text for p in scene.told(Partial)), "what time is it"]


def test_a_written_question_interrupts():
    async def story(scene: Scene) -> None:
        assert scene.talk.ask("first") == 1
        await scene.until(lambda: scene.talk.state == "speaking")
        await asyncio.sleep(0.7)
        assert scene.talk.ask("second", language="zh") == 2
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    first, second = scene.told(Answered)
    assert (first.text, first.interrupted) == ("You asked", True)
    assert (second.turn, second.interrupted, second.language) == (2, False, "zh")
    assert scene.told(Asked)[1].spoken is False


def test_interruption_by_hand_is_silence_at_once():
    async def story(scene: Scene) -> None:
        scene.talk.ask("first")
        await scene.until(lambda: scene.talk.state == "speaking")
        await asyncio.sleep(0.7)
        scene.talk.interrupt()
        now = scene.now()
        assert scene.talk.state == "idle"
        assert scene.talk.history[-1] == Turn("assistant", "You asked", "en", interrupted=True)
        await asyncio.sleep(1)
        assert not scene.sounding(now + 0.01)
        assert scene.jaw(now + 0.2) == 0
        scene.talk.interrupt()

    (scene,) = converse(story)
    assert len(scene.told(Answered)) == 1


def test_what_somebody_else_makes_the_session_say_ends_an_answer():
    async def story(scene: Scene) -> None:
        scene.talk.ask("first")
        await scene.until(lambda: scene.talk.state == "speaking")
        await asyncio.sleep(0.4)
        scene.session.say("mine")
        assert scene.told(Answered)[0].interrupted
        await asyncio.sleep(2)

    (scene,) = converse(story)
    assert scene.talk.state == "idle"


def test_an_interruption_ends_the_thinking():
    async def story(scene: Scene) -> None:
        scene.thought.pieces = [1.0, Source("model"), Say("Late. "), 5.0, Say("Later.")]
        scene.talk.ask("first")
        await asyncio.sleep(0.5)
        assert scene.talk.state == "thinking"
        scene.talk.interrupt()
        await asyncio.sleep(3)

    (scene,) = converse(story)
    assert scene.thought.closed == 1
    assert not scene.told(AnswerText)
    assert [(e.text, e.interrupted) for e in scene.told(Answered)] == [("", True)]


def test_a_slow_thinker_is_spoken_as_far_as_it_is():
    async def story(scene: Scene) -> None:
        scene.thought.pieces = [Source("model"), Say("One two. Three"), 3.0, Say(" four. Five.")]
        scene.talk.ask("first")
        await scene.until(lambda: scene.talk.state == "speaking")
        await asyncio.sleep(1.0)
        scene.talk.interrupt()
        scene.talk.ask("again")
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    first, second = scene.told(Answered)
    assert (first.text, first.interrupted) == ("One two.", True)
    assert (second.text, second.interrupted) == ("One two. Three four. Five.", False)


def test_a_feeling_ends_with_its_answer():
    async def story(scene: Scene) -> None:
        scene.talk.say("[joy:0.8] One two three.")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.until(lambda: bool(scene.told(Answered)))
        await asyncio.sleep(1)

    (scene,) = converse(story)
    smiles = [float(item.values[:, SMILE].max()) for _, item in scene.items if hasattr(item, "values")]
    assert max(smiles) == pytest.approx(0.8)
    assert smiles[-1] == 0
    assert not scene.session.direction.emotion


def test_texts_are_checked():
    async def story(scene: Scene) -> None:
        for call in (scene.talk.ask, scene.talk.say):
            with pytest.raises(InputError, match="must hold words"):
                call("  ")
            with pytest.raises(InputError, match=r"2000 characters, got 3000; send it in parts"):
                call("x" * 3000)
        scene.talk.ask("works")
        await scene.until(lambda: bool(scene.told(Answered)))
        scene.talk.forget()
        assert scene.talk.history == ()

    converse(story)


def test_two_conversations_never_hear_each_other():
    async def one(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.6), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    async def two(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(2, 0.8), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    first, second = converse(one, two, resources=FakeResources())
    assert [asked.text for asked in first.told(Asked)] == ["what time"]
    assert [asked.text for asked in second.told(Asked)] == ["is it"]
    assert "what time" not in "".join(turn.text for turn in second.talk.history)


def test_what_no_voice_can_speak_is_shown_and_the_rest_is_spoken():
    async def story(scene: Scene) -> None:
        scene.thought.pieces = [Source("script"), Say("One two. Now fail this. Three [nod] crash. Four.")]
        scene.talk.ask("first")
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    (answered,) = scene.told(Answered)
    assert (answered.text, answered.interrupted) == ("One two. Now fail this. Three crash. Four.", False)
    faults = [fault.message for fault in scene.told(Fault) if fault.part == "speak"]
    assert "'fail' cannot be spoken" in faults[0]
    assert "a fault of our own" in faults[1]
    assert [felt.gesture for felt in scene.told(Felt)] == ["nod"]


def test_an_answer_that_nobody_can_speak_is_shown_while_the_face_rests():
    async def story(scene: Scene) -> None:
        scene.thought.pieces = [Source("script"), Say("This will fail.")]
        scene.talk.ask("first")
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    assert scene.told(Answered)[0].text == "This will fail."
    assert not scene.told(SpeakingStarted)
    assert scene.jaw(0.0) == 0
    assert scene.talk.history[-1].text == "This will fail."


def test_a_thinker_that_breaks_its_promise_is_stood_in_for():
    async def story(scene: Scene) -> None:
        scene.thought.pieces = [ZeroDivisionError("a fault of a thinker")]
        scene.talk.ask("first")
        await scene.until(lambda: bool(scene.told(Answered)))
        scene.thought.pieces = [Source("model"), Say("Half of"), ZeroDivisionError("cut")]
        scene.talk.ask("second")
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    assert [fault.part for fault in scene.told(Fault)] == ["think", "think"]
    assert scene.told(Answering)[0].kind == "fallback"
    first, second = scene.told(Answered)
    assert "sorry" in first.text.lower()
    assert second.text == "Half of"


def test_a_recogniser_that_fails_is_told_and_hears_the_next():
    async def story(scene: Scene) -> None:
        scene.resources.recogniser_fails = "the recogniser is broken; install it again"
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.6), SILENCE)
        assert scene.talk.state == "idle"
        scene.resources.recogniser_fails = ""
        await scene.hear(tone(1, 0.6), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    assert scene.told(Fault)[0] == Fault("hear", "the recogniser is broken; install it again")
    assert [asked.text for asked in scene.told(Asked)] == ["what time"]


def test_nothing_recognised_says_nothing_at_first_and_then_asks_again():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(5, 0.6), SILENCE)
        assert not scene.told(SpeakingStarted)
        assert scene.talk.state == "idle"
        await scene.hear(tone(5, 0.6), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    assert not scene.told(Asked)
    assert "again" in scene.told(Answered)[0].text


def test_a_chunk_that_is_no_sound_is_refused_and_the_next_is_heard():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        with pytest.raises(InputError, match=r"NaN|number|finite"):
            scene.talk.hear(np.full(320, np.nan, np.float32))
        with pytest.raises(InputError, match="shape"):
            scene.talk.hear(np.zeros((2, 3, 4), np.float32))
        await scene.hear(tone(1, 0.6), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    converse(story)
