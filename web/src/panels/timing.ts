/** The panel of timing: where the milliseconds go, as the server and this page measure them, and the curves. */

import type { Context } from "../context.ts";
import { h, hint, part } from "../dom.ts";
import { Plot, PLOTTED } from "../plot.ts";
import type { Metrics, Spread } from "../protocol.ts";
import type { Panel } from "../sheet.ts";
import { onLanguage, strings } from "../strings.ts";
import type { Latency } from "../talk/events.ts";
import { stageBars } from "../talk/stages.ts";

type Line = "engine" | "packet" | "network" | "output" | "steady" | "picture" | "lips" | "ahead" | "queue" | "speed";

/** Those with a bar, whose full length is so many ms. */
const BARS: readonly Line[] = ["engine", "packet", "network", "steady", "output", "picture"];
const FULL_MS = 120;
const TOLD_MS = 400;
/** Answers that the median is taken of. */
const KEPT = 20;

function pair(spread: Spread | null): string {
  return spread ? `${spread[0].toFixed(0)} · ${spread[1].toFixed(0)} ms` : "–";
}

export class TimingPanel implements Panel {
  readonly id = "timing";
  readonly title = (words: typeof strings) => words.timing;
  readonly element: HTMLElement;
  private readonly cells = new Map<Line, { value: HTMLElement; bar: HTMLElement | null }>();
  private readonly plot: Plot;
  private readonly none = hint((words) => words.noMetrics);
  private metrics: Metrics | null = null;
  private visible = false;
  private told = 0;
  private readonly latencies: Latency[] = [];
  private readonly answers = h("div", { class: "answers", id: "answers" });

  constructor(private readonly context: Context) {
    const canvas = h("canvas", { class: "plot", id: "plot", label: (words) => words.curvesHint, attributes: { role: "img" } });
    this.plot = new Plot(canvas);
    const legend = PLOTTED.map(({ name, colour }) => h("li", {}, h("i", { class: "dot", attributes: { style: `background: var(${colour})` } }), name));
    const rest: readonly Line[] = ["lips", "ahead", "queue", "speed"];
    this.element = h(
      "div",
      {},
      part((words) => words.lastAnswer, this.answers, hint((words) => words.stagesTitle)),
      part((words) => words.budget, h("dl", { class: "bars" }, ...BARS.flatMap((line) => this.line(line, true))), h("dl", { class: "facts" }, ...rest.flatMap((line) => this.line(line, false))), this.none, hint((words) => words.timingHint)),
      part((words) => words.curves, canvas, h("ul", { class: "legend" }, ...legend), hint((words) => words.curvesHint)),
    );
    this.draw();
    onLanguage(() => this.draw());
  }

  /** Takes how long an answer took. */
  answered(latency: Latency): void {
    this.latencies.push(latency);
    if (this.latencies.length > KEPT) this.latencies.shift();
    this.draw();
  }

  private draw(): void {
    const last = this.latencies[this.latencies.length - 1];
    if (!last) return this.answers.replaceChildren(h("p", { class: "hint", text: strings.noLatency }));
    const sorted = this.latencies.map(({ total_ms }) => total_ms).sort((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
    const facts = h("dl", { class: "facts" }, h("div", {}, h("dt", { text: strings.medianOf(sorted.length) }), h("dd", {}, h("b", { text: `${Math.round(median)} ms` }))));
    this.answers.replaceChildren(stageBars(last.total_ms, last.stages_ms), ...(sorted.length > 1 ? [facts] : []));
  }

  private line(line: Line, barred: boolean): HTMLElement[] {
    const value = h("b", { text: "–" });
    const bar = barred ? h("i", { class: "bar", attributes: { "aria-hidden": "true" } }) : null;
    this.cells.set(line, { value, bar });
    return [h("div", {}, h("dt", { text: (words) => words[line] }), h("dd", {}, ...(bar ? [bar] : []), value))];
  }

  shown(on: boolean): void {
    this.visible = on;
  }

  measured(metrics: Metrics): void {
    this.metrics = metrics;
    this.none.hidden = true;
  }

  private put(line: Line, words: string, ms: number | null = null): void {
    const cell = this.cells.get(line);
    if (!cell) return;
    cell.value.textContent = words;
    if (cell.bar) cell.bar.style.setProperty("--part", String(Math.min(Math.max((ms ?? 0) / FULL_MS, 0), 1)));
  }

  /** Once for every video frame. */
  tick(now: number): void {
    const { face } = this.context.performer;
    if (face) this.plot.add(now, face.names, face.shown, this.visible);
    if (!this.visible || now - this.told < TOLD_MS) return;
    this.told = now;
    const { performer, theatre } = this.context;
    const { metrics } = this;
    const trip = performer.connection.roundTripMs;
    const output = performer.player.outputLatency;
    const picture = theatre.intervals.median;
    const steady = face?.mode === "listen" ? face.steady.delayMs : null;
    const ms = (value: number | null) => (value === null ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
    this.put("engine", pair(metrics?.engine_ms ?? null), metrics?.engine_ms?.[0] ?? null);
    this.put("packet", pair(metrics?.chunk_to_packet_ms ?? null), metrics?.chunk_to_packet_ms?.[0] ?? null);
    this.put("network", ms(trip), trip);
    this.put("steady", ms(steady), steady);
    this.put("output", ms(output === null ? null : output * 1000), output === null ? null : output * 1000);
    this.put("picture", ms(picture), picture);
    this.put("lips", performer.errorMs === null ? "–" : ms(performer.errors.median));
    this.put("ahead", ms(metrics?.ahead_ms ?? null));
    this.put("queue", metrics ? `${metrics.queued} · ${metrics.dropped}` : "–");
    this.put("speed", metrics?.real_time_factor == null ? "–" : strings.seconds(metrics.real_time_factor.toFixed(2)));
  }
}
