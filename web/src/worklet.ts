/**
 * Plays sound at its own rate on the audio thread and reports which sample is being played.
 *
 * A windowed sinc resamples, so that every position on the sound has an exact time of the audio clock.
 */

import type { Command, Report } from "./audio.ts";

declare const sampleRate: number;
declare const currentFrame: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

const TAPS = 16; // on either side
const PHASES = 512;
const REPORT_EVERY = 4; // blocks of 128
const FADE_S = 0.004;

/** Rows of 2 x TAPS coefficients for PHASES + 1 fractional positions. */
function kernel(cutoff: number): Float32Array {
  const rows = new Float32Array((PHASES + 1) * 2 * TAPS);
  for (let phase = 0; phase <= PHASES; phase += 1) {
    let sum = 0;
    const at = phase * 2 * TAPS;
    for (let tap = 0; tap < 2 * TAPS; tap += 1) {
      const x = tap - TAPS + 1 - phase / PHASES;
      const window = 0.42 + 0.5 * Math.cos((Math.PI * x) / TAPS) + 0.08 * Math.cos((2 * Math.PI * x) / TAPS);
      const angle = Math.PI * x * cutoff;
      const value = Math.abs(x) >= TAPS ? 0 : window * (Math.abs(angle) < 1e-9 ? 1 : Math.sin(angle) / angle);
      rows[at + tap] = value;
      sum += value;
    }
    for (let tap = 0; tap < 2 * TAPS; tap += 1) rows[at + tap] = (rows[at + tap] ?? 0) / sum;
  }
  return rows;
}

class Playback extends AudioWorkletProcessor {
  private generation = -1;
  private sound = new Float32Array(0);
  private filled = 0;
  private rate = 24000;
  private table = kernel(1);
  private position = 0;
  private preroll = 0;
  private total = Number.POSITIVE_INFINITY;
  private playing = false;
  private advancing = false;
  private gain = 0;
  private blocks = 0;

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<Command>) => this.take(event.data);
  }

  private take(command: Command): void {
    if (command.type === "begin") {
      this.generation = command.generation;
      this.rate = command.rate;
      this.table = kernel(Math.min(1, (0.96 * sampleRate) / command.rate));
      this.sound = new Float32Array(command.rate * 20);
      this.filled = 0;
      this.preroll = Math.round(command.preroll * command.rate);
      this.position = -this.preroll;
      this.total = Number.POSITIVE_INFINITY;
      this.playing = true;
      this.advancing = false;
      this.gain = 1;
    } else if (command.type === "stop") {
      this.playing = false;
    } else if (command.generation === this.generation) {
      if (command.type === "sound") this.put(command.at, command.samples);
      else this.total = command.total;
    }
  }

  private put(at: number, samples: Float32Array): void {
    const need = at + samples.length;
    if (need > this.sound.length) {
      const grown = new Float32Array(Math.max(need, this.sound.length * 2));
      grown.set(this.sound.subarray(0, this.filled));
      this.sound = grown;
    }
    this.sound.set(samples, at);
    this.filled = Math.max(this.filled, need);
  }

  /** The sound at a fractional position. */
  private read(position: number): number {
    const whole = Math.floor(position);
    const row = Math.round((position - whole) * PHASES) * 2 * TAPS;
    const first = whole - TAPS + 1;
    let sum = 0;
    for (let tap = 0; tap < 2 * TAPS; tap += 1) {
      sum += (this.table[row + tap] ?? 0) * (this.sound[first + tap] ?? 0);
    }
    return sum;
  }

  /** Seconds of sound that must lie ahead before it (re)starts: enough to outlast a late packet. */
  private ready(): boolean {
    const ahead = this.filled - Math.max(this.position, 0);
    const enough = this.advancing ? 128 : 0.12 * this.rate;
    return this.filled >= this.total || ahead > enough + TAPS;
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    if (!out) return true;
    const was = this.advancing;
    this.advancing = this.playing && this.ready() && this.position < this.total;
    if (this.advancing !== was || this.blocks % REPORT_EVERY === 0) this.report();
    this.blocks += 1;
    if (this.advancing) {
      const step = this.rate / sampleRate;
      for (let i = 0; i < out.length; i += 1) {
        if (this.position > -TAPS && this.position < this.total) out[i] = this.read(this.position) * this.gain;
        this.position += step;
      }
      if (this.position >= this.total) this.report();
    } else if (!this.playing && this.gain > 0 && this.filled > 0) {
      this.fadeOut(out);
    }
    return true;
  }

  /** A few milliseconds of falling sound, so that a stop does not click. */
  private fadeOut(out: Float32Array): void {
    const step = this.rate / sampleRate;
    for (let i = 0; i < out.length && this.gain > 0; i += 1) {
      out[i] = this.read(this.position) * this.gain;
      this.gain -= 1 / (FADE_S * sampleRate);
      this.position += step;
    }
    if (this.gain <= 0) this.filled = 0;
  }

  private report(): void {
    const report: Report = {
      generation: this.generation,
      position: this.position / this.rate,
      time: currentFrame / sampleRate,
      advancing: this.advancing && this.position < this.total,
      ended: this.position >= this.total,
    };
    this.port.postMessage(report);
  }
}

registerProcessor("rhapsode-playback", Playback);
