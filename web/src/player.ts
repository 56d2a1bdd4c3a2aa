/** The sound of the avatar, and the one clock that its face follows: what the listener hears now. */

import type { Command, Report } from "./audio.ts";
import { CLOCK_HZ } from "./protocol.ts";
import workletUrl from "./worklet.ts?worker&url";

const REPORTS = 256;
const PREROLL_S = 0.06;
/** A browser that may not play sound yet gets the face without it, after so long. */
const MUTE_AFTER_MS = 1200;

export class Player {
  private context: AudioContext | null = null;
  private node: AudioWorkletNode | null = null;
  private gain: GainNode | null = null;
  private opening: Promise<void> | null = null;
  private waiting: Command[] = [];
  private reports: Report[] = [];
  private generation = -1;
  private start = 0;
  private rate = 0;
  private level = 0.9;
  private total = Number.POSITIVE_INFINITY;
  private begun = 0;

  /** True where the browser plays no sound, or not before the user touches the page. */
  get mute(): boolean {
    return this.context?.state !== "running";
  }

  /** From the sound being made to the loudspeaker, s. */
  get outputLatency(): number | null {
    return this.context ? this.context.outputLatency || this.context.baseLatency || 0 : null;
  }

  /** What else is heard joins here, under the same volume; null while there is no output. */
  get output(): { context: AudioContext; into: AudioNode } | null {
    return this.context && this.gain ? { context: this.context, into: this.gain } : null;
  }

  get supported(): boolean {
    return "AudioWorkletNode" in window;
  }

  /** True while there is sound to hear, or it is about to come. */
  get active(): boolean {
    return this.generation >= 0;
  }

  /** Makes or wakes the sound output; call it in a gesture of the user. */
  async unlock(): Promise<void> {
    if (!this.supported) throw new Error("insecure");
    this.opening ??= this.open();
    await this.opening;
    if (this.context?.state === "suspended") await this.context.resume();
  }

  private async open(): Promise<void> {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    if (context.state === "suspended") void context.resume();
    await context.audioWorklet.addModule(workletUrl);
    this.node = new AudioWorkletNode(context, "rhapsode-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.node.port.onmessage = (event: MessageEvent<Report>) => this.note(event.data);
    this.gain = new GainNode(context, { gain: this.level });
    this.node.connect(this.gain).connect(context.destination);
    for (const command of this.waiting.splice(0)) this.node.port.postMessage(command);
  }

  set volume(level: number) {
    this.level = level;
    if (this.gain && this.context) this.gain.gain.setTargetAtTime(level, this.context.currentTime, 0.015);
  }

  begin(generation: number, start: number, rate: number): void {
    this.generation = generation;
    this.start = start;
    this.rate = rate;
    this.reports = [];
    this.total = Number.POSITIVE_INFINITY;
    this.begun = performance.now();
    this.post({ type: "begin", generation, rate, preroll: PREROLL_S });
  }

  push(generation: number, start: number, samples: Float32Array<ArrayBuffer>): void {
    const at = Math.round(((start - this.start) * this.rate) / CLOCK_HZ);
    this.post({ type: "sound", generation, at, samples }, [samples.buffer]);
  }

  end(generation: number, sample: number): void {
    this.total = Math.round(((sample - this.start) * this.rate) / CLOCK_HZ);
    this.post({ type: "end", generation, total: this.total });
  }

  /** Falls silent within a few milliseconds. */
  stop(): void {
    this.generation = -1;
    this.reports = [];
    this.post({ type: "stop" });
  }

  /** Clock sample that leaves the loudspeaker at `now` (performance.now()), or null while none does. */
  heard(now: number): { sample: number; moving: boolean; ended: boolean } | null {
    if (!this.active) return null;
    if (this.mute) return this.imagined(now);
    if (!this.reports.length || !this.context) return null;
    const time = this.heardTime(this.context, now);
    let index = this.reports.length - 1;
    while (index > 0 && (this.reports[index] as Report).time > time) index -= 1;
    const report = this.reports[index] as Report;
    const next = this.reports[index + 1];
    if (report.time > time && !next) return null;
    let position = report.position;
    if (report.advancing) position += Math.max(time - report.time, -PREROLL_S);
    if (next) position = Math.min(position, Math.max(next.position, report.position));
    return {
      sample: this.start + position * CLOCK_HZ,
      moving: report.advancing,
      ended: report.ended && time >= report.time,
    };
  }

  /** Where the sound would be, if there were any. */
  private imagined(now: number): { sample: number; moving: boolean; ended: boolean } | null {
    const position = (now - this.begun - MUTE_AFTER_MS) / 1000;
    if (position < 0) return null;
    const ended = position * this.rate >= this.total;
    return { sample: this.start + position * CLOCK_HZ, moving: !ended, ended };
  }

  /** The audio clock at the loudspeaker. */
  private heardTime(context: AudioContext, now: number): number {
    const stamp = context.getOutputTimestamp();
    if (stamp.performanceTime && stamp.contextTime) {
      const since = (now - stamp.performanceTime) / 1000;
      if (Math.abs(since) < 1) return stamp.contextTime + since;
    }
    return context.currentTime - (context.outputLatency || context.baseLatency || 0);
  }

  private note(report: Report): void {
    if (report.generation !== this.generation) return;
    this.reports.push(report);
    if (this.reports.length > REPORTS) this.reports.splice(0, REPORTS / 2);
  }

  private post(command: Command, transfer: Transferable[] = []): void {
    if (this.node) this.node.port.postMessage(command, transfer);
    else if (command.type === "stop") this.waiting = [];
    else this.waiting.push(command);
  }
}
