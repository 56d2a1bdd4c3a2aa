/** The microphone: permission, device, level, and packets of its sound at the rate of the device. */

import captureUrl from "./capture.ts?worker&url";
import { CLOCK_HZ, soundPacket } from "./protocol.ts";

export type MicState = "off" | "asking" | "on";
export type MicFault = "micDenied" | "micNone" | "micBusy" | "micInsecure";

export interface MicListener {
  state(state: MicState): void;
  /** Comes before the first packet. */
  opened(rate: number): void;
  packet(packet: ArrayBuffer): void;
  level(db: number): void;
}

export const SILENT_DB = -70;

/** What the browser is to do with the sound before the page gets it. */
export interface Cleaning {
  echo: boolean;
  noise: boolean;
}

/** Why the browser gives no microphone. */
export function fault(error: unknown): MicFault {
  if (!window.isSecureContext || !navigator.mediaDevices) return "micInsecure";
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "micDenied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "micNone";
  return "micBusy";
}

export class Microphone {
  state: MicState = "off";
  /** Gives silence while it is true. */
  muted = false;
  private context: AudioContext | null = null;
  private stream: MediaStream | null = null;
  private given = 0;
  private attempt = 0;

  constructor(private readonly listener: MicListener) {}

  /** Asks for the microphone and begins; throws what the browser throws. */
  async start(device: string, { echo, noise }: Cleaning): Promise<void> {
    this.stop();
    const attempt = ++this.attempt;
    this.become("asking");
    try {
      if (!navigator.mediaDevices) throw new Error("insecure");
      const wishes: MediaTrackConstraints = {
        echoCancellation: echo,
        noiseSuppression: noise,
        autoGainControl: noise,
        channelCount: 1,
      };
      if (device) wishes.deviceId = { exact: device };
      const stream = await navigator.mediaDevices.getUserMedia({ audio: wishes });
      if (attempt !== this.attempt) return stop(stream);
      this.stream = stream;
      await this.listen(stream, attempt);
    } catch (error) {
      if (attempt === this.attempt) this.stop();
      throw error;
    }
  }

  private async listen(stream: MediaStream, attempt: number): Promise<void> {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    await context.audioWorklet.addModule(captureUrl);
    if (attempt !== this.attempt) return;
    const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
    const node = new AudioWorkletNode(context, "rhapsode-capture", { numberOfOutputs: 0 });
    node.port.onmessage = (event: MessageEvent<Int16Array>) => {
      if (attempt === this.attempt) this.give(event.data, context.sampleRate);
    };
    source.connect(node);
    stream.getAudioTracks()[0]?.addEventListener("ended", () => this.stop());
    if (context.state === "suspended") await context.resume();
    this.restart();
    this.become("on");
  }

  /** Begins a new count of samples, as for a server that has just come back. */
  restart(): void {
    this.given = 0;
    if (this.context) this.listener.opened(this.context.sampleRate);
  }

  private give(samples: Int16Array, rate: number): void {
    if (this.muted) samples.fill(0);
    this.listener.packet(soundPacket(samples, Math.round((this.given * CLOCK_HZ) / rate), rate));
    this.given += samples.length;
    let sum = 0;
    for (const sample of samples) sum += (sample / 32768) ** 2;
    const rms = Math.sqrt(sum / samples.length);
    this.listener.level(Math.max(20 * Math.log10(Math.max(rms, 1e-6)), SILENT_DB));
  }

  stop(): void {
    this.attempt += 1;
    if (this.stream) stop(this.stream);
    void this.context?.close();
    this.stream = null;
    this.context = null;
    this.become("off");
  }

  private become(state: MicState): void {
    if (this.state === state) return;
    this.state = state;
    this.listener.state(state);
  }
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** The microphones of this machine; their names are known once one was allowed. */
export async function microphones(): Promise<MediaDeviceInfo[]> {
  if (!navigator.mediaDevices) return [];
  const all = await navigator.mediaDevices.enumerateDevices();
  return all.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId !== "" && deviceId !== "default");
}
