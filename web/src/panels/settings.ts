/** The panel of settings: presets, and a form made of the server's schema. */

import type { Context } from "../context.ts";
import { button, h, hint, part } from "../dom.ts";
import { Absent, saying } from "../server.ts";
import { type Control, control } from "../settings/controls.ts";
import { type Field, fieldsOf, keyOf, type SettingsAnswer, type Value } from "../settings/schema.ts";
import type { Panel } from "../sheet.ts";
import { labelled, language, onLanguage, strings } from "../strings.ts";

/** What is shown at once of each section; the rest is behind "More". */
const FIRST = new Set([
  "hear.language", "hear.turn", "hear.interruptible", "hear.denoise", "think.kind", "think.script", "think.base_url",
  "think.model", "think.persona", "speak.voice", "speak.rate", "speak.pitch", "speak.volume", "perform.listening",
  "perform.thinking", "perform.gaze", "perform.gestures", "remember.conversations", "remember.sound", "remember.days",
]);

interface Voice {
  name: string;
  language: string;
  languages?: string[];
  about?: string;
  available?: boolean;
}

type Suggestion = { value: string; label: string };

export class SettingsPanel implements Panel {
  readonly id = "settings";
  readonly title = (words: typeof strings) => words.settings;
  readonly element: HTMLElement;
  private readonly cards = h("div", { class: "presets" });
  private readonly form = h("form", { class: "settings", id: "settings", attributes: { novalidate: "" } });
  private readonly trouble = h("p", { class: "warning", id: "settings-error", attributes: { role: "alert" } });
  private readonly only = hint((words) => words.readOnly);
  private readonly file = h("p", { class: "hint", id: "settings-file" });
  private readonly count = h("span", { attributes: { role: "status" } });
  private readonly save: HTMLButtonElement;
  private readonly bar: HTMLElement;
  private readonly presets: HTMLElement;
  private readonly controls = new Map<string, Control>();
  private answer: SettingsAnswer | null = null;
  private suggestions: Record<string, Suggestion[]> = {};

  constructor(private readonly context: Context) {
    this.save = button((words) => words.save, () => this.form.requestSubmit(), "accent");
    this.save.id = "settings-save";
    const discard = button((words) => words.discard, () => this.draw(), "");
    this.bar = h("div", { class: "save-bar", id: "save-bar" }, this.count, discard, this.save);
    this.bar.hidden = true;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.presets = part((words) => words.presets, this.cards);
    this.presets.hidden = true;
    this.element = h("div", {}, hint((words) => words.settingsHint), this.only, this.trouble, this.presets, this.form, this.file, hint((words) => words.keyFromEnvironment), this.bar);
    this.only.hidden = true;
    onLanguage(() => this.draw());
  }

  shown(on: boolean): void {
    if (on && this.changes().size === 0) void this.read();
  }

  private async read(): Promise<void> {
    const { server } = this.context;
    try {
      const [answer, voices, scripts] = await Promise.all([
        server.read<SettingsAnswer>("/api/settings"),
        server.read<Voice[]>("/api/voices").catch(() => []),
        server.read<{ name: string; about?: string; languages?: string[] }[]>("/api/scripts").catch(() => []),
      ]);
      const named = voices.map(({ name, languages, language: own, about }) => ({ value: name, label: [(languages ?? [own]).join(" "), about ?? ""].filter(Boolean).join(" · ") }));
      this.suggestions = {
        "speak.voice": [{ value: "auto", label: strings.autoLanguage }, ...named],
        "speak.fallback": named,
        "think.script": scripts.map(({ name, about }) => ({ value: name, label: about ?? "" })),
        "hear.recogniser": ["whisper-base", "whisper-tiny.en"].map((value) => ({ value, label: "" })),
        "hear.language": ["auto", "en", "zh"].map((value) => ({ value, label: value === "auto" ? strings.autoLanguage : (strings.tongues[value] ?? "") })),
      };
      this.take(answer);
    } catch (error) {
      this.trouble.textContent = error instanceof Absent ? strings.settingsNone : saying(error);
    }
  }

  private take(answer: SettingsAnswer): void {
    this.answer = answer;
    this.trouble.textContent = "";
    this.draw();
  }

  /** Shows what the server has; what was changed and not saved is lost. */
  private draw(): void {
    const { answer } = this;
    if (!answer) return;
    this.only.hidden = answer.editable !== false;
    this.presets.hidden = !answer.presets?.length;
    this.cards.replaceChildren(...(answer.presets ?? []).map((preset) => this.card(preset)));
    this.controls.clear();
    this.form.replaceChildren(...[...fieldsOf(answer.schema)].map(([section, fields]) => this.section(section, fields)));
    this.file.textContent = answer.file ? `${strings.settingsFile} ${answer.file}` : "";
    this.dirty();
  }

  private card({ name, about }: { name: string; about: string }): HTMLElement {
    const title = strings.presetNames[name] ?? labelled(name);
    const words = language === "zh" ? (strings.presetAbouts[name] ?? about) : about;
    const card = h("button", { class: "preset", attributes: { type: "button", "data-preset": name }, on: { click: () => void this.patch({ preset: name }, strings.presetTaken(title)) } }, h("b", { text: title }), h("small", { text: words }));
    card.disabled = this.answer?.editable === false;
    return card;
  }

  private section(section: string, fields: readonly Field[]): HTMLElement {
    const made = fields.map((field) => this.control(field));
    const shown = made.filter(({ field }) => FIRST.has(field.key)).map(({ element }) => element);
    const rest = made.filter(({ field }) => !FIRST.has(field.key)).map(({ element }) => element);
    const more = rest.length ? [h("details", { class: "more" }, h("summary", { text: strings.moreSettings }), ...rest)] : [];
    const head = h("legend", {}, h("b", { text: strings.sections[section] ?? labelled(section) }), h("small", { text: strings.sectionHints[section] ?? "" }));
    return h("fieldset", { class: "setting-section", attributes: { "data-section": section } }, head, ...shown, ...more);
  }

  private control(field: Field): Control {
    const origin = this.answer?.origins?.[field.key] ?? "default";
    const name = origin === "flag" ? field.name.replaceAll("_", "-") : `RHAPSODE_${field.key.replace(".", "_").toUpperCase()}`;
    const locked = this.answer?.editable === false ? "" : (strings.origins[origin]?.(name) ?? "");
    const made = control(field, {
      value: this.value(field),
      locked,
      origin: origin === "preset" ? strings.fromPreset : "",
      suggestions: this.suggestions[field.key] ?? [],
      changed: () => this.dirty(),
    });
    if (this.answer?.editable === false) (made.input as HTMLInputElement).disabled = true;
    this.controls.set(field.key, made);
    return made;
  }

  private value({ section, name }: Field): Value {
    return this.answer?.settings[section]?.[name] ?? null;
  }

  /** What differs from what the server has; a field that holds no value counts as changed. */
  private changes(): Map<string, Value | Error> {
    const found = new Map<string, Value | Error>();
    for (const [key, { field, read }] of this.controls) {
      try {
        const now = read();
        if (JSON.stringify(now) !== JSON.stringify(this.value(field))) found.set(key, now);
      } catch (error) {
        found.set(key, error as Error);
      }
    }
    return found;
  }

  private dirty(): void {
    const count = this.changes().size;
    this.bar.hidden = count === 0;
    this.count.textContent = strings.changes(count);
  }

  private async send(): Promise<void> {
    const change: Record<string, Record<string, Value>> = {};
    for (const [key, value] of this.changes()) {
      if (value instanceof Error) return this.fail(value.message, key);
      const [section = "", name = ""] = key.split(".");
      (change[section] ??= {})[name] = value;
    }
    await this.patch(change, strings.saved);
  }

  private async patch(change: unknown, done: string): Promise<void> {
    this.save.disabled = true;
    for (const { fail } of this.controls.values()) fail(null);
    this.trouble.textContent = "";
    try {
      const answer = await this.context.server.send<SettingsAnswer>("PATCH", "/api/settings", change);
      if (answer) this.take(answer);
      this.context.tell(done, "info");
    } catch (error) {
      const words = saying(error);
      this.fail(words, keyOf(words, this.controls.keys()));
    } finally {
      this.save.disabled = false;
    }
  }

  /** Says what is wrong where it is wrong. */
  private fail(message: string, key: string | null): void {
    const found = key ? this.controls.get(key) : undefined;
    if (!found) {
      this.trouble.textContent = message;
      this.element.parentElement?.scrollTo({ top: 0 });
      return;
    }
    const fold = found.element.closest("details");
    if (fold) fold.open = true;
    found.fail(message);
    found.input.focus();
  }
}
