"""What a script is: questions with variants, answers, greetings, and what to say where nothing fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rhapsode.dialogue.script.speaking import plain, with_marks

LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
LONGEST_TEXT = 2000

ANY = "*"
"""Stands for the script's first language until the script is whole."""


_JOINERS = "\u200c\u200d"  # within words of Hindi and Persian, and within emoji


def _one_line(value: Any) -> Any:
    """Return text without line breaks, runs of spaces and control characters; other values as they are."""
    if isinstance(value, str):
        return " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in value).split())
    return value


def _many(value: Any) -> Any:
    """Return a list of what may be one."""
    if isinstance(value, (list, tuple)):
        return value
    return [] if value in (None, "") else [value]


def _by_language(value: Any) -> Any:
    """Return a mapping of language to texts of what may be texts alone."""
    if value in (None, ""):
        return {}
    return value if isinstance(value, Mapping) else {ANY: value}


def _titles(value: Any) -> Any:
    return {ANY: value} if isinstance(value, str) else value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or any(c.isspace() or c == "|" for c in value)
    ):
        raise ValueError(f"is no web address: {value!r}; write it out, such as https://example.org/page")
    return value


def _no_bar(value: str) -> str:
    if "|" in value:
        raise ValueError(f"holds a bar, which parts the titles of links in a table: {value!r}")
    return value


Line = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=LONGEST_TEXT)]
Note = Annotated[str, BeforeValidator(_one_line), Field(max_length=LONGEST_TEXT)]
Id = Annotated[str, BeforeValidator(_one_line), Field(pattern=IDENTIFIER)]
Tag = Annotated[str, Field(pattern=LANGUAGE + r"|^\*$")]
Lines = Annotated[tuple[Line, ...], BeforeValidator(_many)]
Texts = Annotated[Mapping[Tag, Lines], BeforeValidator(_by_language)]
Ids = Annotated[tuple[Id, ...], BeforeValidator(_many)]
Title = Annotated[str, BeforeValidator(_one_line), AfterValidator(_no_bar), Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Link(_Part):
    """Something to look at beside an answer.

    Args:
        url: web address, http or https.
        title: language to what it is called; one text stands for the script's first language.

    """

    url: Annotated[str, BeforeValidator(_one_line), AfterValidator(_address)]
    title: Annotated[Mapping[Tag, Title], BeforeValidator(_titles)] = {}


class Entry(_Part):
    """One thing that can be asked, and what is answered.

    Args:
        id: of the entry; letters, digits, "-" and "_".
        questions: language to ways of asking it; the first is shown where the entry is suggested.
        keywords: language to words that are the whole question ("tickets"); matched exactly, case and
            punctuation aside, before anything else.
        unlike: language to questions near these that the entry does not answer.
        intent: name among the script's intents; the entry answers what has that intent and nothing better.
        answers: language to answers, of which one is spoken, none twice before the others. Marks may stand
            in them.
        emotion: that the answer begins with, such as "joy:0.5".
        gesture: that the answer begins with, such as "nod".
        links: shown beside the answer.
        suggestions: ids of entries that are offered afterwards.
        after: ids of entries; this one counts only while one of them is what the talk is about.
        note: for whoever writes the script.

    """

    id: Id
    questions: Texts = {}
    keywords: Texts = {}
    unlike: Texts = {}
    intent: Annotated[str, BeforeValidator(_one_line)] = ""
    answers: Texts
    emotion: Annotated[str, BeforeValidator(_one_line)] = ""
    gesture: Annotated[str, BeforeValidator(_one_line)] = ""
    links: Annotated[tuple[Link, ...], BeforeValidator(_many)] = ()
    suggestions: Ids = ()
    after: Ids = ()
    note: Note = ""

    def marked(self, answer: str) -> str:
        """Return one of the answers with the entry's emotion and gesture as marks in front.

        An answer that begins with a mark of its own keeps only that.
        """
        return with_marks(answer, emotion=self.emotion, gesture=self.gesture)


class Script(_Part):
    """Everything that a digital human can say without a language model.

    Args:
        name: of the script; letters, digits, "-" and "_".
        about: one sentence for whoever chooses a script.
        languages: BCP 47 tags; texts without a language are of the first one.
        persona: who is speaking; told to a language model where one helps out.
        voices: language to the name of a voice that suits; a hint.
        threshold: how well an entry must fit to be the answer, in [0, 1]; None for the product's own.
        greetings: language to what is said on first contact.
        fallbacks: language to what is said where nothing fits.
        did_you_mean: language to what is said where something nearly fits; ``{questions}`` stands for it.
        unlike: language to questions that no entry answers, though some are near.
        intents: name to language to descriptions or examples of what is wanted.
        entries: what the script is about.
        small_talk: entries that do not change what the talk is about, and that are never suggested.

    """

    name: Id
    about: Note = ""
    languages: Annotated[tuple[Annotated[str, Field(pattern=LANGUAGE)], ...], BeforeValidator(_many)] = Field(
        min_length=1
    )
    persona: Note = ""
    voices: Mapping[Annotated[str, Field(pattern=LANGUAGE)], Line] = {}
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    greetings: Texts = {}
    fallbacks: Texts = {}
    did_you_mean: Texts = {}
    unlike: Texts = {}
    intents: Mapping[Id, Texts] = {}
    entries: tuple[Entry, ...] = Field(min_length=1)
    small_talk: tuple[Entry, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _settle_languages(cls, data: Any) -> Any:
        """Give texts without a language the first one of the script."""
        if not isinstance(data, Mapping):
            return data
        tags = _many(data.get("languages"))
        if not tags or not isinstance(tags[0], str):
            return data
        return {key: _settled(key, value, tags[0]) for key, value in data.items()}

    @model_validator(mode="after")
    def _ids_differ(self) -> Script:
        often = [name for name, count in Counter(e.id for e in self.all_entries()).items() if count > 1]
        if often:
            raise ValueError(f"two entries are called {often[0]!r}; every id may stand once")
        return self

    def all_entries(self) -> Iterator[Entry]:
        """Yield the entries, then those of small talk."""
        yield from self.entries
        yield from self.small_talk

    def by_id(self) -> Mapping[str, Entry]:
        """Return entries and small talk under their ids."""
        return MappingProxyType({entry.id: entry for entry in self.all_entries()})

    def sentences(self, language: str = "", *, marks: bool = False) -> tuple[str, ...]:
        """Return every text that may be spoken, each once: greetings, answers, fallbacks, in that order.

        What a script cannot know beforehand ("did you mean ...") is left out.

        Args:
            language: BCP 47 tag; empty for all languages.
            marks: whether emotions and gestures stand in the texts, as `ScriptThinker` says them.

        """
        wanted = [self.speaks(language)] if language else list(self.languages)
        found: dict[str, None] = {}
        for tag in wanted:
            found.update(dict.fromkeys(self.greetings.get(tag, ())))
            for entry in self.all_entries():
                found.update(dict.fromkeys(entry.marked(text) for text in entry.answers.get(tag, ())))
            found.update(dict.fromkeys(self.fallbacks.get(tag, ())))
        return tuple(found) if marks else tuple(dict.fromkeys(filter(None, map(plain, found))))

    def speaks(self, language: str) -> str:
        """Return the script's tag for ``language`` ("zh" for "zh-CN"), or "" where it has none."""
        return match_language(language, self.languages)


def match_language(wanted: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Return the tag among ``known`` that serves ``wanted``: the same, or of the same first part; else ""."""
    if wanted in known:
        return wanted
    first = wanted.partition("-")[0].lower()
    return next((tag for tag in known if first and tag.partition("-")[0].lower() == first), "")


_TEXTS = {"greetings", "fallbacks", "did_you_mean", "questions", "keywords", "unlike", "answers", "title"}


def _settled(key: str, value: Any, tag: str) -> Any:
    """Return ``value`` with ``tag`` where texts of key ``key`` have no language."""
    if key in _TEXTS:
        found = _titles(value) if key == "title" else _by_language(value)
        return {tag: found[ANY]} if isinstance(found, Mapping) and set(found) == {ANY} else value
    if key == "intents" and isinstance(value, Mapping):
        return {name: _settled("questions", texts, tag) for name, texts in value.items()}
    if key in {"entries", "small_talk", "links"} and isinstance(value, (list, tuple)):
        return [
            {inner: _settled(inner, part, tag) for inner, part in one.items()}
            if isinstance(one, Mapping)
            else one
            for one in value
        ]
    return value
