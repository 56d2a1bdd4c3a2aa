"""A subset of SSML 1.1 (https://www.w3.org/TR/speech-synthesis11/): text with breaks, prosody, marks.

speech = speak_ssml('<speak>Well, <break time="300ms"/><emphasis>yes</emphasis>.</speak>')
speech.marks
"""

from rhapsode.speech.ssml.document import Break, Mark, Part, Segment, is_ssml, parse_ssml
from rhapsode.speech.ssml.spoken import speak_ssml, stream_ssml

__all__ = ["Break", "Mark", "Part", "Segment", "is_ssml", "parse_ssml", "speak_ssml", "stream_ssml"]
