/** The background of a scene: a loop that goes on while nobody speaks and gives way to the voice. */

import type { Background as Told } from "./protocol.ts";

const FADE_S = 0.3;
const DOWN_S = 0.1;
const UP_S = 0.6;
/** A shorter pause of the voice leaves it low. */
const HOLD_MS = 700;

interface Output {
  context: AudioContext;
  into: AudioNode;
}

export class Background {
  private told: Told | null = null;
  private toldAt = 0;
  private loading = "";
  private playing: { path: string; source: AudioBufferSourceNode; fade: GainNode; duck: GainNode } | null = null;
  private voiceAt = -HOLD_MS;
  private low = false;
  private readonly loads = new Map<string, AudioBuffer>();

  constructor(
    private readonly output: () => Output | null,
    private readonly fetch: (path: string) => Promise<ArrayBuffer>,
  ) {}

  /** Takes what the server says: another one, another level, or none. */
  tell(told: Told): void {
    this.told = told.path === null ? null : told;
    this.toldAt = performance.now();
    if (this.playing && this.playing.path !== told.path) this.leave();
    if (this.playing && told.path !== null) this.set(0.5);
  }

  /** The connection is gone. */
  stop(): void {
    this.told = null;
    this.leave();
  }

  /** Once for every picture: whether the voice is heard, or about to be. */
  step(voice: boolean): void {
    const now = performance.now();
    if (voice) this.voiceAt = now;
    const low = now - this.voiceAt < HOLD_MS;
    if (low !== this.low) {
      this.low = low;
      this.set(low ? DOWN_S : UP_S);
    }
    if (this.told?.path && !this.playing && this.output()?.context.state === "running") void this.begin(this.told.path);
  }

  private level(): number {
    if (!this.told || this.told.path === null) return 0;
    return this.told.gain * (this.low ? 1 : 10 ** (this.told.swell_db / 20));
  }

  private set(seconds: number): void {
    const duck = this.playing?.duck;
    duck?.gain.setTargetAtTime(this.level(), duck.context.currentTime, seconds);
  }

  private async begin(path: string): Promise<void> {
    const output = this.output();
    if (!output || this.loading === path) return;
    this.loading = path;
    try {
      let buffer = this.loads.get(path);
      if (!buffer) {
        buffer = await output.context.decodeAudioData(await this.fetch(path));
        this.loads.clear();
        this.loads.set(path, buffer);
      }
      if (this.told?.path === path && !this.playing) this.play(path, buffer, output);
      this.loading = "";
    } catch {
      // Without it the page goes on; the next message may name another.
    }
  }

  private play(path: string, buffer: AudioBuffer, { context, into }: Output): void {
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    const fade = new GainNode(context, { gain: 0 });
    const duck = new GainNode(context, { gain: this.level() });
    source.connect(fade).connect(duck).connect(into);
    fade.gain.setTargetAtTime(1, context.currentTime, FADE_S / 3);
    const at = (this.told?.path ? this.told.at_s : 0) + (performance.now() - this.toldAt) / 1000;
    source.start(0, at % buffer.duration);
    this.playing = { path, source, fade, duck };
  }

  private leave(): void {
    if (!this.playing) return;
    const { source, fade } = this.playing;
    fade.gain.setTargetAtTime(0, fade.context.currentTime, FADE_S / 3);
    source.stop(fade.context.currentTime + 2 * FADE_S);
    this.playing = null;
  }
}
