/** The controls that are always there: talking, the line of text, and what to begin with. */

import { Choice, h, icon, iconButton } from "./dom.ts";
import { remember, remembered } from "./memory.ts";
import type { Activity } from "./performer.ts";
import { bind, labelled, language, onLanguage, strings } from "./strings.ts";

export interface SampleRow {
  name: string;
  title: string | Record<string, string>;
  text: string;
  /** Word, begin and end in seconds. */
  words?: [string, number, number][];
}

/** What becomes of a written line: it is answered, or repeated. */
export type Mode = "ask" | "say";

export interface DockActions {
  ask(text: string): void;
  say(text: string): void;
  sample(name: string): void;
  stop(): void;
  subtitles(on: boolean): void;
}

/** Something to press below the line of text: a question, or a link. */
export interface Chip {
  text: string;
  url?: string;
}

const TALLEST = 130;

export class Dock {
  /** Lets the face follow the microphone, where the server cannot talk. */
  readonly mic = iconButton("sound", "", () => {}, "mic-quick");
  readonly subtitles: HTMLButtonElement;
  readonly form: HTMLFormElement;
  private readonly text: HTMLTextAreaElement;
  private readonly speak: HTMLButtonElement;
  private readonly label = h("span", { id: "speak-label" });
  private readonly modes: Choice;
  private readonly row = h("div", { class: "samples", id: "samples", attributes: { role: "group" } });
  private samples: readonly SampleRow[] = [];
  private questions: readonly Chip[] = [];
  private suggested = false;
  private activity: Activity = "idle";
  private thinking = false;
  private playing = "";
  private able = false;
  private chosen: Mode = remembered("write") === "say" ? "say" : "ask";

  constructor(
    element: HTMLElement,
    talk: HTMLElement,
    private readonly actions: DockActions,
  ) {
    this.mic.id = "mic-quick";
    this.text = h("textarea", { id: "text", attributes: { rows: "1", maxlength: "2000", enterkeyhint: "send", spellcheck: "false" } });
    bind(this.text, () => this.name());
    this.speak = h("button", { class: "speak", id: "speak", attributes: { type: "submit" } }, icon("send"), icon("play"), icon("stop"), this.label);
    this.form = h("form", { class: "line", id: "form" }, talk, this.mic, this.text, this.speak);
    this.subtitles = iconButton("captions", (words) => words.subtitlesHint, () => this.actions.subtitles(this.subtitles.getAttribute("aria-pressed") !== "true"));
    this.subtitles.id = "subtitles";
    this.modes = new Choice("write", (words) => words.writing, (mode) => this.choose(mode as Mode), "segments modes");
    this.modes.fill(["ask", "say"], this.chosen, (mode) => (words) => words.modes[mode] ?? mode);
    this.modes.element.id = "modes";
    element.append(this.form, h("div", { class: "row" }, this.modes.element, this.row, this.subtitles));
    this.listen();
    this.talks(false);
    bind(this.speak, () => this.draw());
    onLanguage(() => this.fill(this.samples));
  }

  /** What becomes of what is written now. */
  get mode(): Mode {
    return this.able ? this.chosen : "say";
  }

  /** Whether the server can talk at all; without, a line is spoken. */
  talks(able: boolean): void {
    this.able = able;
    this.modes.element.hidden = !able;
    this.name();
    this.fill(this.samples);
  }

  private choose(mode: Mode): void {
    this.chosen = mode;
    remember("write", mode === "ask" ? null : mode);
    this.name();
    this.fill(this.samples);
    this.text.focus();
  }

  private name(): void {
    const ask = this.mode === "ask";
    this.text.placeholder = ask ? strings.askPlaceholder : strings.placeholder;
    this.text.setAttribute("aria-label", ask ? strings.askText : strings.text);
    this.row.setAttribute("aria-label", !ask ? strings.samples : this.suggested ? strings.didYouMean : strings.questions);
  }

  private listen(): void {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      // What is written goes first, even where something is spoken.
      if (this.busy && !this.ready) this.actions.stop();
      else this.give();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.give();
    });
    this.text.addEventListener("input", () => {
      this.grow();
      this.draw();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.busy) this.actions.stop();
    });
  }

  private grow(): void {
    this.text.style.height = "auto";
    if (this.text.value) this.text.style.height = `${Math.min(this.text.scrollHeight, TALLEST)}px`;
    else this.text.style.removeProperty("height");
  }

  /** True while something is spoken, or about to be. */
  private get busy(): boolean {
    return this.activity === "speaking" || this.activity === "waiting" || this.thinking;
  }

  /** True where a question is written that a press would ask. */
  private get ready(): boolean {
    return this.mode === "ask" && this.text.value.trim() !== "";
  }

  private give(): void {
    const text = this.text.value.trim();
    if (!text) this.text.focus();
    else if (this.mode === "say") this.actions.say(text);
    else {
      this.text.value = "";
      this.grow();
      this.actions.ask(text);
    }
  }

  /** Takes the sample recordings, and shows what the mode offers. */
  fill(rows: readonly SampleRow[]): void {
    this.samples = rows;
    this.row.replaceChildren(...(this.mode === "ask" ? this.questions.map((chip) => this.chip(chip)) : rows.map((row) => this.sample(row))));
    this.row.scrollLeft = 0;
    this.draw();
  }

  /** Questions to press, and links; `suggested` where one of them may have been meant. */
  offer(chips: readonly Chip[], suggested = false): void {
    this.questions = chips;
    this.suggested = suggested;
    this.name();
    if (this.mode === "ask") this.fill(this.samples);
  }

  private chip({ text, url }: Chip): HTMLElement {
    if (url === undefined) return h("button", { class: "sample question", text, attributes: { type: "button" }, on: { click: () => this.actions.ask(text) } });
    return h("a", { class: "sample link", title: (words) => words.opensTab, attributes: { href: url, target: "_blank", rel: "noopener noreferrer" } }, icon("link"), h("span", { text }), h("span", { class: "hidden", text: (words) => ` (${words.opensTab})` }));
  }

  private sample(row: SampleRow): HTMLElement {
    const text = typeof row.title === "string" ? row.title : (row.title[language] ?? labelled(row.name));
    const button = h("button", { class: "sample", text, title: row.text, attributes: { type: "button", "data-name": row.name, "aria-pressed": "false" } });
    button.addEventListener("click", () => {
      if (this.busy && this.playing === row.name) this.actions.stop();
      else this.actions.sample(row.name);
    });
    return button;
  }

  /** Shows whether something is spoken, and which sample it is. */
  show(activity: Activity, sample = this.playing): void {
    this.activity = activity;
    this.playing = activity === "speaking" || activity === "waiting" ? sample : "";
    this.draw();
  }

  /** Shows whether an answer is being found. */
  think(thinking: boolean): void {
    this.thinking = thinking;
    this.draw();
  }

  private draw(): void {
    const { busy } = this;
    const stops = busy && !this.ready;
    document.body.dataset["busy"] = String(busy);
    this.form.classList.toggle("busy", stops);
    this.form.classList.toggle("asks", this.mode === "ask");
    this.form.classList.toggle("waiting", this.activity === "waiting" || (this.thinking && this.activity !== "speaking"));
    const words = stops ? strings.stop : this.mode === "ask" ? strings.ask : strings.speak;
    if (this.label.textContent !== words) this.label.textContent = words;
    this.speak.setAttribute("aria-label", words);
    for (const button of this.row.querySelectorAll<HTMLElement>("[data-name]")) {
      button.setAttribute("aria-pressed", String(button.dataset["name"] === this.playing));
    }
  }
}
