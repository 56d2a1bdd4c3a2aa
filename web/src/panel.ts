/** The folded panel of controls: sliders that are sent as the fields of the server's controls. */

import { language } from "./strings.ts";

/** Only what the user moved; the rest is the style's. */
export type Turned = Record<string, number>;

interface Slider {
  name: string;
  low: number;
  high: number;
  rest: number;
  label: { en: string; zh: string };
}

const SLIDERS: readonly Slider[] = [
  { name: "overall_strength", low: 0, high: 2, rest: 1, label: { en: "Overall strength", zh: "整体强度" } },
  { name: "upper_strength", low: 0, high: 2, rest: 1, label: { en: "Upper face", zh: "上半脸强度" } },
  { name: "lower_strength", low: 0, high: 2, rest: 1, label: { en: "Lower face", zh: "下半脸强度" } },
  { name: "upper_smoothing", low: 0, high: 1, rest: 0.5, label: { en: "Upper smoothing", zh: "上半脸平滑" } },
  { name: "lower_smoothing", low: 0, high: 1, rest: 0.5, label: { en: "Lower smoothing", zh: "下半脸平滑" } },
  { name: "lip_close_offset", low: -0.3, high: 0.3, rest: 0, label: { en: "Lips closer", zh: "闭唇偏移" } },
  { name: "eyelid_offset", low: -1, high: 1, rest: 0, label: { en: "Eyelids", zh: "眼睑偏移" } },
  { name: "blink_strength", low: 0, high: 2, rest: 1, label: { en: "Blinks", zh: "眨眼强度" } },
  { name: "tongue_strength", low: 0, high: 3, rest: 1, label: { en: "Tongue", zh: "舌头强度" } },
  { name: "prediction_offset", low: 0, high: 0.5, rest: 0, label: { en: "Delay, s", zh: "延迟（秒）" } },
];
const WORDS = { en: { title: "Controls", reset: "Reset" }, zh: { title: "控制", reset: "重置" } }[language];

/** A slider that is being moved is heard when it has stood still for so long. */
const STILL_MS = 200;

export class Panel {
  readonly turned: Turned = {};
  private readonly rows: { slider: Slider; input: HTMLInputElement; shown: HTMLOutputElement }[] = [];
  private timer = 0;

  /** Appends itself to `parent`, folded; `act` is called when sliders have been moved. */
  constructor(
    parent: HTMLElement,
    private readonly act: () => void,
  ) {
    const box = document.createElement("details");
    box.className = "controls";
    box.id = "controls";
    const title = document.createElement("summary");
    title.textContent = WORDS.title;
    const grid = document.createElement("div");
    grid.className = "sliders";
    for (const slider of SLIDERS) grid.append(this.row(slider));
    const reset = document.createElement("button");
    reset.type = "button";
    reset.className = "sample";
    reset.textContent = WORDS.reset;
    reset.addEventListener("click", () => this.reset());
    grid.append(reset);
    box.append(title, grid);
    parent.append(box);
  }

  private row(slider: Slider): HTMLElement {
    const label = document.createElement("label");
    const name = document.createElement("span");
    name.textContent = slider.label[language];
    const input = document.createElement("input");
    input.type = "range";
    input.name = slider.name;
    input.min = String(slider.low);
    input.max = String(slider.high);
    input.step = "0.01";
    input.value = String(slider.rest);
    const shown = document.createElement("output");
    shown.textContent = slider.rest.toFixed(2);
    input.addEventListener("input", () => {
      this.turned[slider.name] = input.valueAsNumber;
      shown.textContent = input.valueAsNumber.toFixed(2);
      this.soon();
    });
    this.rows.push({ slider, input, shown });
    label.append(name, input, shown);
    return label;
  }

  private reset(): void {
    for (const { slider, input, shown } of this.rows) {
      input.value = String(slider.rest);
      shown.textContent = slider.rest.toFixed(2);
      delete this.turned[slider.name];
    }
    this.soon();
  }

  private soon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(this.act, STILL_MS);
  }
}
