"""A client's functions: what it sends of them, and what a language model is offered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rhapsode.dialogue.turns import Offer, Tool
from rhapsode.server.realtime.update import RealtimeError

MOST, LONGEST = 128, 100_000
"""Functions a session may have, and characters of all their schemas: the model is told them every time."""


class _Function(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["function"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: Annotated[str, Field(max_length=10_000)] | None = None
    parameters: dict[str, Any] | None = None


class _Chosen(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["function"]
    name: str


_FUNCTIONS: TypeAdapter[list[_Function]] = TypeAdapter(Annotated[list[_Function], Field(max_length=MOST)])
_CHOICE: TypeAdapter[str | _Chosen] = TypeAdapter(Literal["auto", "none", "required"] | _Chosen)


def tools_of(raw: Sequence[Any]) -> tuple[Tool, ...]:
    """Return the functions of a client.

    Raises:
        RealtimeError: one is none, two have one name, or they are too many.

    """
    strange = next((one for one in raw if isinstance(one, dict) and one.get("type") != "function"), None)
    if strange is not None:
        raise RealtimeError(
            f"tools of the type '{str(strange.get('type'))[:40]}' cannot be called here; "
            'give functions: {"type": "function", "name", "description", "parameters"}',
            code="unsupported_tools",
            param="session.tools",
        )
    try:
        functions = _FUNCTIONS.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in ("session.tools", *first["loc"]))
        raise RealtimeError(f"{where}: {first['msg']}"[:500], param=where) from None
    if len({one.name for one in functions}) < len(functions):
        raise RealtimeError("two tools have the same name; give each its own", param="session.tools")
    made = tuple(Tool(one.name, one.description or "", one.parameters or {}) for one in functions)
    if (size := sum(len(json.dumps(tool.parameters)) for tool in made)) > LONGEST:
        raise RealtimeError(
            f"the parameters of all tools may hold {LONGEST} characters, got {size}; describe them shorter",
            param="session.tools",
        )
    return made


def choice_of(raw: Any) -> str:
    """Return what may be called, as `rhapsode.dialogue.turns.Offer` has it.

    Raises:
        RealtimeError: it is no choice.

    """
    try:
        choice = _CHOICE.validate_python(raw)
    except ValidationError:
        raise RealtimeError(
            'tool_choice must be "auto", "none", "required" or {"type": "function", "name": "..."}',
            param="session.tool_choice",
        ) from None
    return choice if isinstance(choice, str) else choice.name


def offer_of(tools: tuple[Tool, ...], choice: str) -> Offer | None:
    """Return what a language model is offered; None where nothing is asked for.

    Raises:
        RealtimeError: the tool that must be called is none of them.

    """
    if choice not in ("auto", "none", "required") and choice not in {tool.name for tool in tools}:
        known = ", ".join(tool.name for tool in tools) or "none"
        raise RealtimeError(
            f"tool_choice names '{choice[:64]}', known are {known}; add it to the tools",
            param="session.tool_choice",
        )
    return Offer(tools, choice) if tools or choice == "none" else None


def shown_tools(tools: Sequence[Tool], choice: str) -> Mapping[str, Any]:
    """Return tools and choice as a session shows them."""
    named = choice not in ("auto", "none", "required")
    return {
        "tools": [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            }
            for tool in tools
        ],
        "tool_choice": {"type": "function", "name": choice} if named else choice,
    }
