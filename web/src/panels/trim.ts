/** One take: its sound and curves, two handles that trim it, and export to any format. */

import type { Context } from "../context.ts";
import { button, h, hint, part } from "../dom.ts";
import { fitted, PLOTTED } from "../plot.ts";
import { CLOCK_HZ } from "../protocol.ts";
import { saying } from "../server.ts";
import { bind, strings } from "../strings.ts";
import type { Take } from "./takes.ts";

interface Curves {
  seconds: number;
  names: string[];
  values: number[][];
  peaks: number[];
}

interface Format {
  extension: string;
  name: string;
  description: string;
  reads: boolean;
  writes: boolean;
}

const POINTS = 400;
const STEP_S = 0.05;
const SHORTEST_S = 0.1;
const CURVES = PLOTTED.slice(0, 2);

export class TrimView {
  readonly element: HTMLElement;
  private readonly canvas = h("canvas", { label: (words) => words.wave, attributes: { role: "img" } });
  private readonly wave: HTMLElement;
  private readonly handles: { start: HTMLElement; end: HTMLElement };
  private readonly times = h("p", { class: "numbers trim-times" });
  private readonly head = h("i", { class: "playhead", attributes: { "aria-hidden": "true" } });
  private readonly format = h("select", { id: "format" });
  private readonly about = h("p", { class: "hint" });
  private readonly export: HTMLButtonElement;
  private readonly first: HTMLButtonElement;
  private curves: Curves | null = null;
  private range: { start: number; end: number };
  private playing: { begin: number | null } | null = null;

  constructor(
    private readonly context: Context,
    readonly take: Take,
    back: () => void,
  ) {
    this.range = { start: 0, end: take.seconds };
    this.first = button((words) => words.back, back, "quiet back", "back");
    this.handles = { start: this.handle("start"), end: this.handle("end") };
    this.wave = h("div", { class: "wave", id: "wave" }, this.canvas, this.head, this.handles.start, this.handles.end);
    const play = button((words) => words.play, () => this.play(), "accent", "play");
    const reset = button((words) => words.reset, () => this.set(0, take.seconds), "quiet");
    this.export = button((words) => words.export, () => void this.save(), "accent wide");
    this.export.id = "export";
    this.export.disabled = true;
    const formatRow = h("label", { class: "field" }, h("span", { text: (words) => words.format }), this.format);
    this.element = h(
      "div",
      { class: "trim" },
      this.first,
      part(take.name, this.wave, this.times, h("div", { class: "pair" }, play, reset)),
      part((words) => words.export, formatRow, this.about, this.export),
    );
    this.format.addEventListener("change", () => this.describe());
    new ResizeObserver(() => this.draw()).observe(this.wave);
    bind(this.times, () => this.place());
    void this.load();
  }

  focus(): void {
    this.first.focus();
  }

  private async load(): Promise<void> {
    const names = CURVES.map(({ name }) => name).join(",");
    const path = `/api/takes/${encodeURIComponent(this.take.id)}/curves?names=${names}&points=${POINTS}`;
    const [curves, formats] = await Promise.allSettled([
      this.context.server.read<Curves>(path),
      this.context.server.read<Format[]>("/api/formats"),
    ]);
    if (curves.status === "fulfilled") {
      const { start, end } = this.range;
      this.curves = curves.value;
      this.set(start, end < this.take.seconds ? end : this.seconds);
    } else {
      this.wave.after(hint(saying(curves.reason)));
    }
    if (formats.status === "rejected") return void this.export.before(hint(saying(formats.reason)));
    const rows = formats.value.filter(({ writes }) => writes);
    this.format.replaceChildren(...rows.map(({ extension, name, description }) => {
      const option = new Option(`${extension} · ${name}`, extension);
      option.dataset["about"] = description;
      return option;
    }));
    this.export.disabled = rows.length === 0;
    this.describe();
  }

  private describe(): void {
    this.about.textContent = this.format.selectedOptions[0]?.dataset["about"] ?? "";
  }

  private get seconds(): number {
    return this.curves?.seconds ?? this.take.seconds;
  }

  private handle(side: "start" | "end"): HTMLElement {
    const element = h("div", {
      class: `handle ${side}`,
      label: (words) => (side === "start" ? words.trimStart : words.trimEnd),
      attributes: { role: "slider", tabindex: "0", "aria-valuemin": "0" },
    });
    const move = (to: number) => (side === "start" ? this.set(to, this.range.end) : this.set(this.range.start, to));
    element.addEventListener("pointerdown", (event) => element.setPointerCapture(event.pointerId));
    element.addEventListener("pointermove", (event) => {
      if (!element.hasPointerCapture(event.pointerId)) return;
      const box = this.wave.getBoundingClientRect();
      move(((event.clientX - box.left) / box.width) * this.seconds);
    });
    element.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? STEP_S * 10 : STEP_S;
      const to: Record<string, number> = {
        ArrowLeft: this.range[side] - step, ArrowDown: this.range[side] - step,
        ArrowRight: this.range[side] + step, ArrowUp: this.range[side] + step,
        Home: 0, End: this.seconds,
      };
      const next = to[event.key];
      if (next === undefined) return;
      event.preventDefault();
      move(next);
    });
    return element;
  }

  private set(start: number, end: number): void {
    const last = this.seconds;
    const least = Math.min(SHORTEST_S, last);
    if (start !== this.range.start) start = Math.min(start, this.range.end - least);
    else end = Math.max(end, start + least);
    const whole = (seconds: number) => Math.round(seconds * 1000) / 1000;
    this.range = { start: whole(Math.max(start, 0)), end: Math.min(whole(end), last) };
    this.place();
    this.draw();
  }

  private place(): void {
    const { start, end } = this.range;
    for (const side of ["start", "end"] as const) {
      const handle = this.handles[side];
      handle.style.left = `${(this.range[side] / Math.max(this.seconds, 1e-3)) * 100}%`;
      handle.setAttribute("aria-valuemax", this.seconds.toFixed(2));
      handle.setAttribute("aria-valuenow", this.range[side].toFixed(2));
      handle.setAttribute("aria-valuetext", strings.seconds(this.range[side].toFixed(2)));
    }
    this.times.textContent = `${start.toFixed(2)} – ${strings.seconds(end.toFixed(2))}  (${strings.seconds((end - start).toFixed(2))})`;
  }

  private draw(): void {
    const pen = this.canvas.getContext("2d");
    if (!pen || !this.curves) return;
    const [width, height] = fitted(this.canvas);
    const { peaks, values } = this.curves;
    const style = getComputedStyle(this.canvas);
    const [from, to] = [this.range.start / this.seconds, this.range.end / this.seconds];
    pen.clearRect(0, 0, width, height);
    const loudest = peaks.reduce((top, peak) => Math.max(top, peak), 0.05);
    const step = width / Math.max(peaks.length, 1);
    for (const [index, peak] of peaks.entries()) {
      const at = index / peaks.length;
      pen.fillStyle = style.getPropertyValue(at >= from && at <= to ? "--wave" : "--wave-off");
      const tall = Math.max((peak / loudest) * height * 0.86, 1);
      pen.fillRect(index * step, (height - tall) / 2, Math.max(step - 0.6, 0.8), tall);
    }
    pen.lineWidth = Math.max(1.5, width / 300);
    for (const [row, { colour }] of CURVES.entries()) {
      pen.strokeStyle = style.getPropertyValue(colour);
      pen.beginPath();
      const line = values[row] ?? [];
      for (const [index, value] of line.entries()) pen.lineTo((index / Math.max(line.length - 1, 1)) * width, height * (0.95 - 0.9 * value));
      pen.stroke();
    }
  }

  private play(): void {
    const { start, end } = this.range;
    this.playing = { begin: null };
    this.context.play({ type: "take", id: this.take.id, start_s: start, end_s: end < this.seconds ? end : null });
  }

  /** Moves the line that shows what is heard. */
  tick(): void {
    const { heardSample, activity } = this.context.performer;
    if (this.playing && heardSample !== null) this.playing.begin ??= heardSample;
    if (activity === "idle") this.playing = null;
    const begin = this.playing?.begin ?? null;
    const shown = begin !== null && heardSample !== null;
    this.head.hidden = !shown;
    if (!shown) return;
    const at = this.range.start + (heardSample - begin) / CLOCK_HZ;
    this.head.style.left = `${Math.min(at / this.seconds, 1) * 100}%`;
  }

  /** Asks the server for the file, and hands it to the browser as a download. */
  private async save(): Promise<void> {
    const query = new URLSearchParams({ format: this.format.value, start_s: this.range.start.toFixed(3), end_s: this.range.end.toFixed(3), avatar: this.context.avatarName });
    this.export.disabled = true;
    const words = this.export.querySelector("span") as HTMLElement;
    words.textContent = strings.exporting;
    try {
      const answer = await this.context.server.ask(`/api/takes/${encodeURIComponent(this.take.id)}/export?${query}`);
      const named = /filename\*?="?(?:UTF-8'')?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
      const link = h("a", { attributes: { href: URL.createObjectURL(await answer.blob()), download: named ? decodeURIComponent(named) : `${this.take.name}${this.format.value}` } });
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      this.context.tell(saying(error));
    }
    this.export.disabled = false;
    words.textContent = strings.export;
  }
}
