"""What clients may say."""

from __future__ import annotations

import pytest

from rhapsode.server.messages import MessageError, parse_message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"type": "dance"}', "does not match any of the expected tags"),
        ('{"type": "say"}', "say.text: Field required"),
        ('{"type": "say", "text": 3}', "say.text: Input should be a valid string"),
        ('{"type": "stop", "x": 1}', "stop.x: Extra inputs"),
        ('{"type": "hello", "strength": 9}', "hello.strength: Input should be less than or equal to 2"),
        ('{"type": "say", "text": "' + "a" * 40_000 + '"}', "a message may hold 32768 bytes, got 40027"),
    ],
)
def test_messages_that_mean_nothing_are_refused(text: str, said: str):
    with pytest.raises(MessageError, match=said):
        parse_message(text)
