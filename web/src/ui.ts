/** The controls: what the user does becomes calls of `Actions`; nothing here knows sound or avatars. */

import type { Link } from "./connection.ts";
import { labelled, language, strings } from "./strings.ts";

export interface Actions {
  say(text: string): void;
  sample(name: string): void;
  stop(): void;
  volume(level: number): void;
  avatar(name: string): void;
  style(name: string): void;
  /** A name, "auto", or "" for none; and how strongly it is felt, 0 to 1. */
  emotion(name: string, amount: number): void;
}

export interface SampleRow {
  name: string;
  title: string | Record<string, string>;
  text: string;
  /** Word, begin and end in seconds. */
  words?: [string, number, number][];
}

export type Activity = "idle" | "waiting" | "speaking";

const NOTICE_MS = 8000;

function get<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export class Controls {
  readonly canvas = get<HTMLCanvasElement>("view");
  readonly caption = get("caption");
  readonly dock = get("dock");
  readonly panel = get("panel");
  private readonly form = get<HTMLFormElement>("form");
  private readonly text = get<HTMLTextAreaElement>("text");
  private readonly speak = get<HTMLButtonElement>("speak");
  private readonly notice = get("notice");
  private activity: Activity = "idle";
  private playing = "";
  private noticeTimer = 0;

  constructor(private readonly actions: Actions) {
    this.label();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.say();
    });
    this.text.addEventListener("input", () => this.grow());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.activity !== "idle") this.actions.stop();
    });
    const volume = get<HTMLInputElement>("volume");
    volume.addEventListener("input", () => this.actions.volume(volume.valueAsNumber));
    this.choose("avatar", (name) => this.actions.avatar(name));
    this.choose("style", (name) => this.actions.style(name));
    this.choose("emotion", () => this.feel());
    get<HTMLInputElement>("amount").addEventListener("input", () => this.feel());
  }

  private label(): void {
    document.documentElement.lang = language;
    get("text-label").textContent = strings.text;
    this.text.placeholder = strings.placeholder;
    get("samples").setAttribute("aria-label", strings.samples);
    for (const id of ["avatar", "style", "emotion"] as const) {
      get(`${id}-label`).textContent = strings[id];
      get(id).title = strings[id];
    }
    get("volume-label").textContent = strings.volume;
    get("amount-label").textContent = strings.amount;
    get("amount-pick").title = strings.amount;
    get("error").title = strings.errorHint;
    get("curtain").textContent = strings.loading;
    this.canvas.setAttribute("aria-label", strings.view);
    this.link("connecting");
    this.show("idle");
  }

  private choose(id: string, act: (name: string) => void): void {
    const select = get<HTMLSelectElement>(id);
    select.addEventListener("change", () => act(select.value));
  }

  private feel(): void {
    const name = get<HTMLSelectElement>("emotion").value;
    get("amount-pick").hidden = name === "" || name === "auto";
    this.actions.emotion(name, get<HTMLInputElement>("amount").valueAsNumber);
  }

  private submit(): void {
    if (this.activity === "idle") this.say();
    else this.actions.stop();
  }

  private say(): void {
    const text = this.text.value.trim();
    if (text) this.actions.say(text);
    else this.text.focus();
  }

  private grow(): void {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, 130)}px`;
  }

  options(id: "avatar" | "style" | "emotion", names: readonly string[], chosen: string, known: Record<string, string> = {}): void {
    const rows = names.map((name) => new Option(known[name] ?? labelled(name), name, false, name === chosen));
    get<HTMLSelectElement>(id).replaceChildren(...rows);
    get(id).closest("label")?.toggleAttribute("hidden", names.length < 2);
  }

  samples(rows: readonly SampleRow[]): void {
    const buttons = rows.map((row) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sample";
      button.dataset["name"] = row.name;
      button.textContent = typeof row.title === "string" ? row.title : (row.title[language] ?? labelled(row.name));
      button.title = row.text;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        if (this.activity !== "idle" && this.playing === row.name) this.actions.stop();
        else this.actions.sample(row.name);
      });
      return button;
    });
    get("samples").replaceChildren(...buttons);
  }

  /** Shows whether something is spoken, and which sample it is. */
  show(activity: Activity, sample = this.playing): void {
    this.activity = activity;
    this.playing = activity === "idle" ? "" : sample;
    this.form.classList.toggle("busy", activity !== "idle");
    this.form.classList.toggle("waiting", activity === "waiting");
    get("speak-label").textContent = activity === "idle" ? strings.speak : strings.stop;
    this.speak.setAttribute("aria-label", activity === "idle" ? strings.speak : strings.stop);
    for (const button of get("samples").querySelectorAll<HTMLElement>(".sample")) {
      button.setAttribute("aria-pressed", String(button.dataset["name"] === this.playing));
    }
  }

  link(state: Link): void {
    get("state").dataset["link"] = state;
    get("link").textContent = strings[state];
  }

  /** The measured distance between lips and sound; null hides it. */
  error(ms: number | null): void {
    const element = get("error");
    element.hidden = ms === null;
    if (ms === null) return;
    const rounded = Math.round(ms);
    element.textContent = strings.error(rounded > 0 ? `+${rounded}` : String(rounded).replace("-", "−"));
  }

  tell(message: string | null): void {
    window.clearTimeout(this.noticeTimer);
    this.notice.hidden = message === null;
    this.notice.textContent = message ?? "";
    if (message) this.noticeTimer = window.setTimeout(() => this.tell(null), NOTICE_MS);
  }

  reveal(): void {
    document.body.classList.add("shown");
  }
}
