/** The controls that are always there: the line of text, the microphone's button, sample recordings. */

import { h, icon, iconButton } from "./dom.ts";
import type { Activity } from "./performer.ts";
import { bind, labelled, language, onLanguage, strings } from "./strings.ts";

export interface SampleRow {
  name: string;
  title: string | Record<string, string>;
  text: string;
  /** Word, begin and end in seconds. */
  words?: [string, number, number][];
}

export interface DockActions {
  say(text: string): void;
  sample(name: string): void;
  stop(): void;
  subtitles(on: boolean): void;
}

const TALLEST = 130;

export class Dock {
  /** Turns the microphone on and off; whoever owns the microphone listens to it. */
  readonly mic = iconButton("sound", "", () => {}, "mic-quick");
  readonly subtitles: HTMLButtonElement;
  private readonly form: HTMLFormElement;
  private readonly text: HTMLTextAreaElement;
  private readonly speak: HTMLButtonElement;
  private readonly label = h("span", { id: "speak-label" });
  private readonly row = h("div", { class: "samples", id: "samples", label: (words) => words.samples, attributes: { role: "group" } });
  private samples: readonly SampleRow[] = [];
  private activity: Activity = "idle";
  private playing = "";

  constructor(
    element: HTMLElement,
    private readonly actions: DockActions,
  ) {
    this.mic.id = "mic-quick";
    this.text = h("textarea", {
      id: "text",
      label: (words) => words.text,
      attributes: { rows: "1", maxlength: "2000", enterkeyhint: "send", spellcheck: "false" },
    });
    bind(this.text, (node) => {
      node.placeholder = strings.placeholder;
    });
    this.speak = h("button", { class: "speak", id: "speak", attributes: { type: "submit" } }, icon("play"), icon("stop"), this.label);
    this.form = h("form", { class: "line", id: "form" }, this.mic, this.text, this.speak);
    this.subtitles = iconButton("captions", (words) => words.subtitlesHint, () => this.actions.subtitles(this.subtitles.getAttribute("aria-pressed") !== "true"));
    this.subtitles.id = "subtitles";
    element.append(this.form, h("div", { class: "row" }, this.row, this.subtitles));
    this.listen();
    bind(this.speak, () => this.show(this.activity));
    onLanguage(() => this.fill(this.samples));
  }

  private listen(): void {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.busy) this.actions.stop();
      else this.say();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.say();
    });
    this.text.addEventListener("input", () => {
      this.text.style.height = "auto";
      this.text.style.height = `${Math.min(this.text.scrollHeight, TALLEST)}px`;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.busy) this.actions.stop();
    });
  }

  /** True while something is spoken, or about to be. */
  private get busy(): boolean {
    return this.activity === "speaking" || this.activity === "waiting";
  }

  private say(): void {
    const text = this.text.value.trim();
    if (text) this.actions.say(text);
    else this.text.focus();
  }

  fill(rows: readonly SampleRow[]): void {
    this.samples = rows;
    this.row.replaceChildren(
      ...rows.map((row) => {
        const text = typeof row.title === "string" ? row.title : (row.title[language] ?? labelled(row.name));
        const button = h("button", { class: "sample", text, title: row.text, attributes: { type: "button", "data-name": row.name, "aria-pressed": "false" } });
        button.addEventListener("click", () => {
          if (this.busy && this.playing === row.name) this.actions.stop();
          else this.actions.sample(row.name);
        });
        return button;
      }),
    );
    this.show(this.activity);
  }

  /** Shows whether something is spoken, and which sample it is. */
  show(activity: Activity, sample = this.playing): void {
    this.activity = activity;
    this.playing = this.busy ? sample : "";
    this.form.classList.toggle("busy", this.busy);
    this.form.classList.toggle("waiting", activity === "waiting");
    const words = this.busy ? strings.stop : strings.speak;
    if (this.label.textContent !== words) this.label.textContent = words;
    this.speak.setAttribute("aria-label", words);
    for (const button of this.row.querySelectorAll<HTMLElement>(".sample")) {
      button.setAttribute("aria-pressed", String(button.dataset["name"] === this.playing));
    }
  }
}
