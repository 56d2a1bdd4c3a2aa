"""docs/settings.md has every setting as it is; `python -m tests.settings.test_docs` writes its tables."""

from __future__ import annotations

import re
from pathlib import Path

from rhapsode.settings.fields import SECTIONS, about_section, fields
from rhapsode.settings.presets import PRESETS
from rhapsode.settings.saving import toml_value

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def tables() -> str:
    """Return the tables of presets and of every section."""
    lines = ["## Presets", "", "| preset | what it is | what it sets |", "|---|---|---|"]
    for preset in PRESETS:
        values = [
            f"`{s}.{n} = {toml_value(v)}`" for s, held in preset.values.items() for n, v in held.items()
        ]
        lines.append(f"| `{preset.name}` | {preset.about} | {', '.join(values)} |")
    for section in SECTIONS:
        lines += ["", f"## [{section}]", "", about_section(section), ""]
        lines += ["| setting | allowed | default | what it means |", "|---|---|---|---|"]
        for one in fields().values():
            if one.section == section:
                default = "none" if one.default is None else f"`{toml_value(one.default)}`"
                lines.append(f"| `{one.name}` | {one.allowed} | {default} | {one.about} |")
    return "\n".join(lines)


def test_the_tables_are_those_of_the_sections():
    text = PAGE.read_text("utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == tables()


def test_the_example_can_be_read(here: Path):
    from rhapsode.settings.load import load

    found = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    (here / "rhapsode.toml").write_text(found[1], "utf-8")
    loaded = load()
    assert loaded.origins["think.kind"] == "file"
    assert loaded.preset


if __name__ == "__main__":
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{rest.split(END)[1]}", "utf-8")
