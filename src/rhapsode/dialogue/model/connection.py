"""A server that speaks OpenAI's chat completions: requests out, text and calls of tools in.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rhapsode.dialogue.model.failures import ModelFailure, clean, failure
from rhapsode.dialogue.model.prompt import Message
from rhapsode.dialogue.turns import Call, Tool
from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.settings.sections import Think

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KEYS = ("RHAPSODE_THINK_API_KEY", "OPENAI_API_KEY")
"""Environment variables that may hold the key; the first one found counts."""

OURS = frozenset({"model", "messages", "stream", "tools", "tool_choice", "n"})
"""Arguments of the request that settings cannot change."""

CONNECT_S = 5.0
"""How long a connection is waited for at most."""

_ENDS = frozenset(".!?…。！？।\"'”’」』)]~")
_MOST_CALLS, _LONGEST_ARGUMENTS = 8, 16_000


def key_from_environment() -> str:
    """Return the key of the server; empty where none is set."""
    return next((value for name in KEYS if (value := os.environ.get(name, "").strip())), "")


def check_settings(settings: Think) -> None:
    """Check what a request would be made of.

    Raises:
        SettingError: the address is no address, or ``options`` holds what is not theirs to set.

    """
    parts = urlsplit(settings.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(
            f"think.base_url must be the address of a server, got {settings.base_url!r}; "
            "try http://127.0.0.1:11434/v1"
        )
    taken = sorted(OURS & set(settings.options))
    if taken:
        raise SettingError(
            f"think.options cannot hold {', '.join(taken)}; it is for what a server takes beside them, "
            "such as top_p or seed"
        )


def shown(address: str) -> str:
    """Return an address without what may be secret in it."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def transport(address: str) -> dict[str, Any]:
    """Return what a client needs: no proxy to the own machine, no certificates where none are asked for."""
    parts = urlsplit(address)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return {"trust_env": not local, "verify": parts.scheme == "https"}


class Connection:
    """One server and one model there; any number of requests at once.

    Args:
        settings: address, model, temperature, length, options.
        key: of the server; None reads the environment.

    Raises:
        SettingError: as `check_settings`.
        MissingExtraError: the package openai is not installed.

    """

    def __init__(self, settings: Think, *, key: str | None = None) -> None:
        check_settings(settings)
        try:
            import openai  # noqa: F401 - takes half a second, which no answer should wait for
        except ImportError:
            raise MissingExtraError("openai", "converse") from None
        self._settings = settings
        self._key = key_from_environment() if key is None else key
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._model = settings.model
        self._without: set[str] = set()  # arguments that the server does not take
        self.address = shown(settings.base_url)

    @property
    def model(self) -> str:
        """The model's name; empty until the server has been asked for one, where settings name none."""
        return self._model

    def _open(self) -> AsyncOpenAI:
        """Return the client of the running loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            import openai

            self._client = openai.AsyncOpenAI(
                base_url=self._settings.base_url,
                api_key=self._key or "none",
                max_retries=0,
                timeout=openai.Timeout(None, connect=min(CONNECT_S, self._settings.first_s)),
                http_client=openai.DefaultAsyncHttpxClient(**transport(self._settings.base_url)),
            )
            self._loop = loop
        return self._client

    async def aclose(self) -> None:
        """Close all connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.close()

    def _fail(self, error: Exception, *, opened: bool = False) -> ModelFailure:
        return failure(error, address=self.address, key=self._key, opened=opened)

    async def models(self) -> tuple[str, ...]:
        """Return the names of the server's models.

        Raises:
            ModelFailure: they cannot be had.

        """
        client = self._open()
        try:
            return tuple([str(model.id) async for model in await client.models.list()])
        except Exception as error:
            raise self._fail(error) from None

    async def _named(self) -> str:
        if not self._model:
            models = await self.models()
            if not models:
                raise ModelFailure(
                    "refused", f"{self.address} has no model; get one there, or set think.model"
                )
            self._model = models[0]
        return self._model

    async def stream(
        self, messages: Sequence[Message], *, tools: Sequence[Tool] = (), choice: str = "auto"
    ) -> AsyncGenerator[str | tuple[Call, ...]]:
        """Yield the answer's text as it comes, none of it empty; at last the calls, if the model wants any.

        ``choice`` is "auto", "required" or the name of the tool that must be called. A server that knows no
        such choice makes its own.

        Closing the iterator, or cancelling whoever waits for it, closes the request. Nothing is timed but the
        opening of the connection.

        Raises:
            ModelFailure: for whatever goes wrong.

        """
        client = self._open()
        calls: dict[int, dict[str, str]] = {}
        finish = end = ""
        opened = told = False
        try:
            response = await self._request(client, messages, tools, choice)
            opened = True
            try:
                async for chunk in response:
                    told = True
                    for choice in (getattr(chunk, "choices", None) or ())[:1]:
                        delta = getattr(choice, "delta", None)
                        text = getattr(delta, "content", None)
                        _gather(calls, getattr(delta, "tool_calls", None) or ())
                        finish = getattr(choice, "finish_reason", None) or finish
                        if isinstance(text, str) and text:
                            end = text.strip()[-1:] or end
                            yield text
            finally:
                await response.close()
        except Exception as error:
            raise self._fail(error, opened=opened) from None
        if not told:
            raise ModelFailure(
                "garbage", f"{self.address} sent what is no answer; is it an OpenAI-compatible one?"
            )
        if finish == "content_filter":
            raise ModelFailure("refused", f"{self.address} held the answer back (content_filter)")
        if wanted := tuple(Call(**call) for _, call in sorted(calls.items()) if call["name"]):
            yield wanted
        elif not finish and end not in _ENDS:
            raise ModelFailure("broken", f"{self.address} broke off in the middle of the answer")

    async def _request(
        self, client: AsyncOpenAI, messages: Sequence[Message], tools: Sequence[Tool], choice: str
    ) -> Any:
        """Open a stream; what a server says it does not take is left out from then on."""
        import openai

        model = await self._named()
        while True:
            try:
                return await client.chat.completions.create(
                    model=model,
                    messages=list(messages),  # type: ignore[arg-type]
                    stream=True,
                    extra_body=self._body(tools, choice),
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError, openai.NotFoundError) as error:
                refused = self._refused(str(error).lower(), tools, choice)
                if not refused:
                    raise
                self._without.add(refused)

    def _body(self, tools: Sequence[Tool], choice: str = "auto") -> dict[str, Any]:
        longest = "max_tokens" if "max_tokens" not in self._without else "max_completion_tokens"
        body: dict[str, Any] = {"temperature": self._settings.temperature, longest: self._settings.max_tokens}
        if tools:
            body["tools"] = [described(tool) for tool in tools]
            if choice != "auto" and "tools" not in self._without:
                one = {"type": "function", "function": {"name": choice}}
                body["tool_choice"] = choice if choice == "required" else one
        kept = {name: value for name, value in body.items() if name not in self._without}
        return {**kept, **self._settings.options}

    def _refused(self, message: str, tools: Sequence[Tool], choice: str) -> str:
        """Return the argument that a server's message complains of, among those that can be left out."""
        sent = [
            name for name in ("max_tokens", "max_completion_tokens", "temperature") if name in self._body(())
        ]
        sent = [name for name in sent if name not in self._settings.options]
        chosen = "tool_choice" in self._body(tools, choice)
        if chosen and ("tool_choice" in message or "tool choice" in message):
            return "tool_choice"
        if tools and "tools" not in self._without and ("tool" in message or "function" in message):
            return "tools"
        return next((name for name in sent if name in message and name not in self._without), "")

    async def complete(self, messages: Sequence[Message], *, within_s: float) -> str:
        """Return a whole answer.

        Raises:
            ModelFailure: there is none within ``within_s``, or what `stream` raises.

        """
        text = ""
        try:
            async with asyncio.timeout(within_s), aclosing(self.stream(messages)) as stream:
                async for piece in stream:
                    text += piece if isinstance(piece, str) else ""
                    if len(text) > 20 * self._settings.max_tokens + 1000:
                        raise ModelFailure("endless", f"{self.address} found no end")
        except TimeoutError:
            raise ModelFailure("slow", f"no answer from {self.address} within {within_s:g} s") from None
        return text


def described(tool: Tool) -> Mapping[str, Any]:
    """Return a tool as the protocol describes it."""
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _gather(calls: dict[int, dict[str, str]], deltas: Sequence[Any]) -> None:
    """Add what a chunk tells of calls; a server may leave out ``index`` where it sends calls whole."""
    for delta in deltas:
        function = getattr(delta, "function", None)
        name, more = getattr(function, "name", None) or "", getattr(function, "arguments", None) or ""
        index = getattr(delta, "index", None)
        if not isinstance(index, int):
            index = len(calls) if name else max(len(calls) - 1, 0)
        if index not in calls and len(calls) >= _MOST_CALLS:
            continue
        call = calls.setdefault(index, {"id": f"call_{index}", "name": "", "arguments": ""})
        call["id"] = getattr(delta, "id", None) or call["id"]
        call["name"] = clean(name)[:64] or call["name"]
        if isinstance(more, str) and len(call["arguments"]) + len(more) <= _LONGEST_ARGUMENTS:
            call["arguments"] += more
