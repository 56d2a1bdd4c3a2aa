"""Where settings come from, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhapsode.errors import SettingError
from rhapsode.settings import Settings
from rhapsode.settings.fields import fields
from rhapsode.settings.load import Store, find_file, load, presets, schema
from rhapsode.settings.server import ServerSettings


def written(here: Path, text: str) -> Path:
    file = here / "rhapsode.toml"
    file.write_text(text, "utf-8")
    return file


def test_without_any_source_all_is_default(tmp_path: Path):
    loaded = load()
    assert loaded.settings == Settings()
    assert loaded.server == ServerSettings()
    assert set(loaded.origins.values()) == {"default"}
    assert set(loaded.origins) == set(fields())
    assert (loaded.file, loaded.found) == (tmp_path / "data" / "rhapsode.toml", False)


def test_who_goes_before_whom(here: Path, monkeypatch: pytest.MonkeyPatch):
    written(here, 'preset = "vendor"\n[think]\nmodel = "of-the-file"\ntemperature = 0.1\nmax_tokens = 5\n')
    monkeypatch.setenv("RHAPSODE_THINK_TEMPERATURE", "0.2")
    monkeypatch.setenv("RHAPSODE_THINK_MAX_TOKENS", "6")
    loaded = load(flags={"think": {"max_tokens": 7}})
    think, said = (
        loaded.settings.think,
        {name: loaded.origins[f"think.{name}"] for name in fields_of("think")},
    )
    assert (think.max_tokens, said["max_tokens"]) == (7, "flag")
    assert (think.temperature, said["temperature"]) == (0.2, "environment")
    assert (think.model, said["model"]) == ("of-the-file", "file")
    assert (think.base_url, said["base_url"]) == ("https://api.openai.com/v1", "preset")
    assert (think.history, said["history"]) == (20, "default")


def fields_of(section: str) -> list[str]:
    return [one.name for one in fields().values() if one.section == section]


def test_a_preset_is_named_by_flag_environment_or_file(here: Path, monkeypatch: pytest.MonkeyPatch):
    written(here, 'preset = "vendor"\n')
    assert load().preset == "vendor"
    monkeypatch.setenv("RHAPSODE_PRESET", "ollama")
    assert load().preset == "ollama"
    loaded = load(preset="offline-zh")
    assert (loaded.preset, loaded.settings.hear.language) == ("offline-zh", "zh")
    assert loaded.hidden == ()


def test_what_hides_a_preset_that_was_asked_for_is_told(here: Path):
    written(here, '[hear]\nlanguage = "en"\n')
    assert load(preset="offline-zh").hidden == ("hear.language",)


def test_every_preset_can_be_and_says_what_it_is():
    assert {preset.name for preset in presets()} >= {"offline-en", "offline-zh", "ollama", "vendor"}
    for preset in presets():
        assert preset.about.endswith(".")
        loaded = load(preset=preset.name)
        assert "preset" in loaded.origins.values()


def test_the_file_here_goes_before_the_one_of_the_user(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own = tmp_path / "data" / "rhapsode.toml"
    own.parent.mkdir()
    own.write_text("[speak]\nrate = 1.5\n")
    assert (load().file, load().settings.speak.rate) == (own, 1.5)
    file = written(here, "[speak]\nrate = 1.25\n")
    assert (load().file, load().settings.speak.rate) == (file, 1.25)
    named = tmp_path / "named.toml"
    named.write_text("[speak]\nrate = 0.75\n")
    monkeypatch.setenv("RHAPSODE_SETTINGS", str(named))
    assert (find_file(), load().settings.speak.rate) == (named, 0.75)
    assert load(file).settings.speak.rate == 1.25


def test_a_named_file_must_exist(here: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(SettingError, match=r"no file of settings is at 'none\.toml'; .*settings init"):
        load(Path("none.toml"))
    monkeypatch.setenv("RHAPSODE_SETTINGS", "none.toml")
    with pytest.raises(SettingError, match="no file of settings is at"):
        load()


def test_words_of_the_environment_become_values():
    environment = {
        "RHAPSODE_HEAR_LANGUAGES": "en, zh-CN",
        "RHAPSODE_HEAR_DENOISE": "true",
        "RHAPSODE_THINK_THRESHOLD": "none",
        "RHAPSODE_THINK_OPTIONS": '{"top_p": 0.5}',
        "RHAPSODE_SPEAK_VOICES": "en=hibari,zh=kokoro:zf_001",
        "RHAPSODE_REMEMBER_DAYS": "",
        "RHAPSODE_SERVER_PORT": "8000",
        "RHAPSODE_SERVER_EMBED_ORIGINS": '["https://a.example", "https://b.example"]',
        "RHAPSODE_THINK_API_KEY": "of the model",
        "RHAPSODE_DATA": "elsewhere",
    }
    loaded = Store(environment=environment).load()
    assert loaded.settings.hear.languages == ("en", "zh-CN")
    assert loaded.settings.hear.denoise is True
    assert loaded.settings.think.threshold is None
    assert loaded.settings.think.options == {"top_p": 0.5}
    assert loaded.settings.speak.voices == {"en": "hibari", "zh": "kokoro:zf_001"}
    assert (loaded.settings.remember.days, loaded.origins["remember.days"]) == (30, "default")
    assert (loaded.server.port, loaded.server.embed_origins) == (
        8000,
        ("https://a.example", "https://b.example"),
    )


def test_the_server_reads_its_variables_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RHAPSODE_SERVER_PORT", "8001")
    monkeypatch.setenv("RHAPSODE_SERVER_ALLOW_SINKS", "no")
    monkeypatch.setenv("RHAPSODE_SERVER_TOKEN", "of-letters")
    settings = ServerSettings(max_sinks=2)
    assert (settings.port, settings.allow_sinks, settings.token) == (8001, False, "of-letters")
    assert ServerSettings(port=5).port == 5


def test_paths_of_the_file_stand_beside_it(tmp_path: Path):
    file = tmp_path / "own" / "mine.toml"
    file.parent.mkdir()
    file.write_text(
        '[think]\nscript = "desk.yaml"\n[speak]\ntimbre = "me/voice.wav"\n[server]\ntakes = "takes"\n'
    )
    loaded = load(file)
    assert loaded.settings.think.script == str(tmp_path / "own" / "desk.yaml")
    assert loaded.settings.speak.timbre == str(tmp_path / "own" / "me" / "voice.wav")
    assert loaded.server.takes == str(tmp_path / "own" / "takes")
    file.write_text('[think]\nscript = "bank"\n')
    assert load(file).settings.think.script == "bank"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[thnik]\n", ":1: no section is called 'thnik'; did you mean 'think'?"),
        ("\n[think]\nmodle = 'x'\n", ":3: no setting is called 'think.modle'; did you mean 'model'?"),
        (
            "[speak]\ntemperature = 1\n",
            ":2: no setting is called 'speak.temperature'; did you mean think.temp",
        ),
        (
            "[think]\n# why\nkind = 'scirpt'\n",
            ":3: think.kind must be 'script', 'model' or 'both', got 'scirpt'",
        ),
        ("think.kind = 'scirpt'\n", ":1: think.kind must be"),
        ("[speak]\nrate = 9\n", ":2: speak.rate must be at most 2, got 9"),
        ("[speak]\nrate = nan\n", ":2: speak.rate must be"),
        ("[think]\nmax_tokens = 1.5\n", ":2: think.max_tokens must be a whole number, got 1.5"),
        ("[hear]\nlanguage = 'English'\n", ":2: hear.language must be a language tag such as 'en'"),
        ("[hear]\nlanguages = 'en'\n", ":2: hear.languages must be a list, got 'en'"),
        ("[hear]\ndenoise = 'perhaps'\n", ":2: hear.denoise must be true or false, got 'perhaps'"),
        ("[hear]\nsilence_s = 'none'\n", ":2: hear.silence_s must be a number, got 'none'"),
        ("[server]\nport = 99999\n", ":2: server.port must be at most 65535, got 99999"),
        ("think = 3\n", ":1: think must be a section, got 3"),
        ("preset = 4\n", ":1: preset must be a name in quotes, got 4"),
        ("preset = 'olama'\n", ":1: preset must be one of offline-en, .*did you mean 'ollama'?"),
        ("a = \n", ":1: Invalid value; correct it there"),
        ("[think]\nkind='both'\nkind='both'\n", "must be TOML"),
        ("[think]\npersona = '''\n", "must be TOML"),
    ],
)
def test_what_a_file_cannot_hold_is_told_with_its_line(here: Path, text: str, said: str):
    file = written(here, text)
    with pytest.raises(SettingError) as caught:
        load()
    message = str(caught.value)
    first, _, rest = said.partition(".*")
    assert first in message
    assert rest in message
    assert message.startswith(str(file))
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("[think]\napi_key = 'sk-1'\n", "RHAPSODE_THINK_API_KEY"),
        ("openai_api_key = 'sk-1'\n", "RHAPSODE_OPENAI_API_KEY"),
        ("[server]\ntoken = 'sk-1'\n", "RHAPSODE_SERVER_TOKEN"),
        ("[remember]\nurl = 'postgresql://me:sk-1@host/db'\n", "RHAPSODE_REMEMBER_URL"),
        ("[think.options]\napi_key = 'sk-1'\n", '"$API_KEY"'),
        ("[server]\nobs = {password = 'sk-1'}\n", "no setting is called 'server.obs'"),
    ],
)
def test_secrets_stand_in_no_file_and_in_no_message(here: Path, text: str, variable: str):
    written(here, text)
    with pytest.raises(SettingError) as caught:
        load()
    assert variable in str(caught.value)
    assert "sk-1" not in str(caught.value)


def test_a_secret_may_be_named_by_its_variable(here: Path):
    written(here, '[hear.options]\napi_key = "$DEEPGRAM_API_KEY"\n')
    assert load().settings.hear.options == {"api_key": "$DEEPGRAM_API_KEY"}


def test_a_bad_token_is_not_shown():
    with pytest.raises(SettingError) as caught:
        Store(environment={"RHAPSODE_SERVER_TOKEN": "two words"}).load()
    assert "two words" not in str(caught.value)
    assert str(caught.value).startswith("RHAPSODE_SERVER_TOKEN: server.token must be of letters")


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        (
            "RHAPSODE_THINK_MODLE",
            "x",
            "no setting is called RHAPSODE_THINK_MODLE; did you mean 'RHAPSODE_THINK_MODEL'",
        ),
        ("RHAPSODE_THINK_KIND", "x", "RHAPSODE_THINK_KIND: think.kind must be 'script', 'model' or 'both'"),
        ("RHAPSODE_THINK_OPTIONS", "{1", "RHAPSODE_THINK_OPTIONS must be JSON"),
        ("RHAPSODE_SPEAK_VOICES", "hibari", "RHAPSODE_SPEAK_VOICES must be pairs such as en=hibari"),
        ("RHAPSODE_PRESET", "x", "RHAPSODE_PRESET: preset must be one of"),
    ],
)
def test_what_the_environment_cannot_say_is_told(variable: str, text: str, said: str):
    with pytest.raises(SettingError) as caught:
        Store(environment={variable: text}).load()
    assert said in str(caught.value)


def test_flags_are_checked_too():
    with pytest.raises(SettingError, match=r"^speak\.rate must be at least 0\.5, got 0\.1"):
        load(flags={"speak": {"rate": 0.1}})
    with pytest.raises(SettingError, match="no setting is called"):
        load(flags={"speak": {"pace": 1}})


def test_a_file_that_is_no_text_is_refused(here: Path):
    (here / "rhapsode.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingError, match="cannot be read as text"):
        load()


def test_the_schema_has_every_section():
    assert set(schema()["properties"]) == {"hear", "think", "speak", "perform", "remember"}


def test_every_setting_says_what_it_means():
    assert [one.key for one in fields().values() if not one.about] == []
