"""A language model behind an OpenAI-compatible address: Ollama, llama.cpp, vLLM, any vendor."""

from rhapsode.dialogue.model.check import Check, check
from rhapsode.dialogue.model.connection import KEYS, Connection, check_settings, key_from_environment
from rhapsode.dialogue.model.failures import ModelFailure
from rhapsode.dialogue.model.prompt import Fact, language_name
from rhapsode.dialogue.model.thinker import ModelThinker

__all__ = [
    "KEYS",
    "Check",
    "Connection",
    "Fact",
    "ModelFailure",
    "ModelThinker",
    "check",
    "check_settings",
    "key_from_environment",
    "language_name",
]
