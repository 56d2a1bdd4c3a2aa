/** The panel of expression: style, emotion, and the sliders, which are fields of the server's controls. */

import type { Context } from "../context.ts";
import { button, Choice, h, part, slider } from "../dom.ts";
import { remember, rememberedNumber } from "../memory.ts";
import type { Panel } from "../sheet.ts";
import { labelled, type strings } from "../strings.ts";

interface Row {
  name: string;
  low: number;
  high: number;
  rest: number;
}

const SLIDERS: readonly Row[] = [
  { name: "lower_strength", low: 0, high: 2, rest: 1 },
  { name: "lower_smoothing", low: 0, high: 1, rest: 0.5 },
  { name: "blink_strength", low: 0, high: 2, rest: 1 },
];
/** Only what the user moves of these is sent; the rest is the style's. */
const MORE: readonly Row[] = [
  { name: "overall_strength", low: 0, high: 2, rest: 1 },
  { name: "upper_strength", low: 0, high: 2, rest: 1 },
  { name: "upper_smoothing", low: 0, high: 1, rest: 0.5 },
  { name: "lip_close_offset", low: -0.3, high: 0.3, rest: 0 },
  { name: "eyelid_offset", low: -1, high: 1, rest: 0 },
  { name: "tongue_strength", low: 0, high: 3, rest: 1 },
  { name: "prediction_offset", low: 0, high: 0.5, rest: 0 },
];
/** A slider that is being moved is heard when it has stood still for so long. */
const STILL_MS = 120;
const LATENCY_MS = 300;

export class FacePanel implements Panel {
  readonly id = "face";
  readonly title = (words: typeof strings) => words.face;
  readonly element: HTMLElement;
  private readonly turned: Record<string, number> = {};
  private readonly resets: (() => void)[] = [];
  private readonly styles: Choice;
  private readonly emotions: Choice;
  private readonly amount: ReturnType<typeof slider>;
  private emotion = "";
  private timer = 0;

  constructor(private readonly context: Context) {
    this.styles = new Choice("style", (words) => words.style, (name) => {
      this.context.performer.settings.style = name;
      this.context.performer.greet();
    }, "segments");
    this.emotions = new Choice("emotion", (words) => words.emotion, (name) => {
      this.emotion = name;
      this.feel();
    });
    this.amount = slider({ name: "amount", label: (words) => words.amount, low: 0.1, high: 1, step: 0.05, value: 0.7 }, () => this.feel());
    this.amount.element.id = "amount-row";
    this.amount.element.hidden = true;
    const more = h("details", { class: "more", id: "controls" }, h("summary", { text: (words) => words.more }), ...MORE.map((row) => this.row(row)));
    this.element = h(
      "div",
      {},
      part((words) => words.style, this.styles.element),
      part((words) => words.emotion, this.emotions.element, this.amount.element),
      part((words) => words.strengthened, ...SLIDERS.map((row) => this.row(row)), this.motion(), this.latency(), more,
        button((words) => words.reset, () => this.reset(), "quiet")),
    );
  }

  fill(styles: readonly string[], emotions: readonly string[]): void {
    const settings = this.context.performer.settings;
    this.styles.fill(styles, settings.style ?? "natural", (name) => (words) => words.styles[name] ?? labelled(name));
    this.emotions.fill(["", "auto", ...emotions], this.emotion, (name) => (words) => words.emotions[name] ?? labelled(name));
  }

  private feel(): void {
    const plain = this.emotion === "" || this.emotion === "auto";
    this.amount.element.hidden = plain;
    this.context.performer.settings.emotion = plain ? this.emotion : `${this.emotion}:${this.amount.input.valueAsNumber}`;
    this.soon();
  }

  private row({ name, low, high, rest }: Row): HTMLElement {
    const made = slider(
      { name, label: (words) => words.sliders[name] ?? name, hint: (words) => words.sliderHints[name] ?? "", low, high, value: rest },
      (value) => {
        this.turned[name] = value;
        this.soon();
      },
    );
    this.resets.push(() => made.set(rest));
    return made.element;
  }

  /** How much the head moves; done by this page. */
  private motion(): HTMLElement {
    const { theatre } = this.context;
    const act = (value: number) => {
      theatre.motion = value;
      remember("motion", String(value));
    };
    theatre.motion = rememberedNumber("motion", 1);
    const made = slider({ name: "motion", label: (words) => words.sliders["motion"] ?? "", hint: (words) => words.sliderHints["motion"] ?? "", low: 0, high: 2, value: theatre.motion }, act);
    this.resets.push(() => {
      made.set(1);
      act(1);
    });
    return made.element;
  }

  /** By how much the face goes before the sound; done by this page. */
  private latency(): HTMLElement {
    const { performer } = this.context;
    const act = (value: number) => {
      performer.lead = value / 1000;
      remember("latency", String(value));
    };
    const kept = rememberedNumber("latency", 0);
    performer.lead = kept / 1000;
    const show = (value: number) => `${value > 0 ? "+" : ""}${value} ms`;
    const made = slider(
      { name: "latency", label: (words) => words.sliders["latency"] ?? "", hint: (words) => words.sliderHints["latency"] ?? "", low: -LATENCY_MS, high: LATENCY_MS, step: 5, value: kept, show },
      act,
    );
    this.resets.push(() => {
      made.set(0);
      act(0);
    });
    return made.element;
  }

  private reset(): void {
    for (const name of Object.keys(this.turned)) delete this.turned[name];
    for (const reset of this.resets) reset();
    this.soon();
  }

  private soon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.context.performer.settings.controls = { ...this.turned };
      this.context.performer.greet();
    }, STILL_MS);
  }
}
