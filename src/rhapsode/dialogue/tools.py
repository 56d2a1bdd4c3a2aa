"""What a language model may call: functions of Python with their schema, checked, timed and bounded."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from rhapsode.dialogue.turns import Tool
from rhapsode.errors import SettingError

Found = Sequence[tuple[str, str, str, float]]
Nearest = Callable[[str, int], Found | Awaitable[Found]]
"""Question and number -> the nearest entries of a script: id, question, answer, score in [0, 1]."""

TIMEOUT_S = 8.0
"""How long a call may take."""

LONGEST_RESULT = 4_000
"""Characters of a result that the model is told."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ARGUMENT = re.compile(r"^\s*(\w+)\s*:\s*(.+)$")


class Tools:
    """A set of tools.

    Args:
        timeout_s: how long a call may take; the model is told that it took too long.
        longest: characters of a result; the rest is cut off, and the model is told so.

    Example:
        >>> tools = Tools()
        >>> @tools.add
        ... async def weather(city: str, days: int = 1) -> str:
        ...     '''Tell the weather.
        ...
        ...     Args:
        ...         city: name of the city.
        ...         days: from today on.
        ...     '''
        ...     return f"sun in {city}"
        >>> asyncio.run(tools.call("weather", '{"city": "Bern"}'))
        '"sun in Bern"'

    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S, longest: int = LONGEST_RESULT) -> None:
        self._timeout_s, self._longest = timeout_s, longest
        self._tools: dict[str, tuple[Tool, Callable[..., Any], type[BaseModel]]] = {}

    def add(
        self, function: Callable[..., Any], *, name: str = "", description: str = ""
    ) -> Callable[..., Any]:
        """Add a function and return it, so that this serves as a decorator.

        A function that is no coroutine runs in a thread; one that takes too long goes on there unheard.

        Args:
            function: every parameter annotated; its docstring tells the model what it is for, and lines
                ``name: meaning`` in it what the parameters are.
            name: instead of the function's.
            description: instead of the docstring's first paragraph.

        Raises:
            SettingError: the name is not one, or is taken; a parameter is not annotated or has no name.

        """
        name = name or function.__name__
        if not _NAME.fullmatch(name) or name in self._tools:
            why = "is taken" if name in self._tools else "is no name of a tool"
            raise SettingError(f"{name!r} {why}; give another one of letters, digits, '_' and '-'")
        model = _arguments(function, name)
        about = inspect.cleandoc(function.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        schema = model.model_json_schema()
        schema.pop("title", None)
        self._tools[name] = (Tool(name, description or about, schema), function, model)
        return function

    @property
    def described(self) -> tuple[Tool, ...]:
        """What the model is told of them."""
        return tuple(tool for tool, _, _ in self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    async def call(self, name: str, arguments: str) -> str:
        """Call a tool and return its result as JSON; what goes wrong is ``{"error": ...}`` for the model.

        Args:
            name: of the tool.
            arguments: JSON of an object.

        """
        if name not in self._tools:
            return _error(f"no tool is called {name!r}; known are {', '.join(self._tools) or 'none'}")
        _, function, model = self._tools[name]
        try:
            given = model.model_validate_json(arguments.strip() or "{}", strict=False)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()
            )
            return _error(f"arguments do not fit: {wrong}"[: self._longest])
        values = {field: getattr(given, field) for field in type(given).model_fields}
        try:
            async with asyncio.timeout(self._timeout_s):
                if inspect.iscoroutinefunction(function):
                    result = await function(**values)
                else:
                    result = await asyncio.to_thread(function, **values)
        except TimeoutError:
            return _error(f"{name} took longer than {self._timeout_s:g} s")
        except Exception as error:  # the model is told, the answer goes on
            return _error(f"{name} failed: {type(error).__name__}: {str(error)[:200]}")
        return self._written(result)

    def _written(self, result: object) -> str:
        try:
            text = json.dumps(result, ensure_ascii=False, default=str)
        except (TypeError, ValueError):
            text = json.dumps(str(result), ensure_ascii=False)
        if len(text) <= self._longest:
            return text
        return json.dumps({"cut_off": True, "beginning": text[: self._longest]}, ensure_ascii=False)


def _error(message: str) -> str:
    return json.dumps({"error": message}, ensure_ascii=False)


def _arguments(function: Callable[..., Any], name: str) -> type[BaseModel]:
    """Return the model of a function's arguments."""
    hints = get_type_hints(function, include_extras=True)
    about = _described(function)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        bad = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY)
        if bad or parameter.name not in hints:
            raise SettingError(
                f"tool {name!r}: parameter '{parameter}' must have a name and an annotation; "
                "write 'city: str'"
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (
            hints[parameter.name],
            Field(default, description=about.get(parameter.name)),
        )
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _described(function: Callable[..., Any]) -> Mapping[str, str]:
    """Return what a docstring says of its parameters."""
    found = (_ARGUMENT.match(line) for line in inspect.cleandoc(function.__doc__ or "").splitlines())
    return {match[1]: match[2] for match in found if match}


def add_clock(tools: Tools, *, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
    """Add ``current_time``: date, weekday and time of day where the program runs."""

    async def current_time() -> str:
        """Tell today's date, the weekday and the time of day."""
        return now().strftime("%A, %d %B %Y, %H:%M (%Z)")

    tools.add(current_time)


def add_look_up(tools: Tools, nearest: Nearest, *, most: int = 3) -> None:
    """Add ``look_up``: the nearest entries of a script."""

    async def look_up(question: str) -> list[dict[str, str]]:
        """Look up what is known here about a question.

        question: in any language.
        """
        entries = await found(nearest, question, most)
        return [{"question": asked, "answer": answer} for _, asked, answer, _ in entries]

    tools.add(look_up)


async def found(nearest: Nearest, question: str, most: int) -> Found:
    """Return what ``nearest`` finds; in a thread where it is no coroutine."""
    if inspect.iscoroutinefunction(nearest):
        return await nearest(question, most)  # type: ignore[no-any-return]
    return await asyncio.to_thread(nearest, question, most)  # type: ignore[arg-type]
