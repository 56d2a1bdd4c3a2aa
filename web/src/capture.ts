/** On the audio thread: hands the microphone's sound to the page in pieces of 20 ms. */

declare const sampleRate: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

const PER_SECOND = 50;

class Capture extends AudioWorkletProcessor {
  private piece = new Int16Array(Math.round(sampleRate / PER_SECOND));
  private filled = 0;

  process(inputs: Float32Array[][]): boolean {
    const channels = inputs[0];
    const first = channels?.[0];
    if (!channels || !first) return true;
    for (let i = 0; i < first.length; i += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[i] ?? 0;
      const value = Math.min(Math.max(sum / channels.length, -1), 1);
      this.piece[this.filled] = Math.round(value * 32767);
      this.filled += 1;
      if (this.filled === this.piece.length) this.give();
    }
    return true;
  }

  private give(): void {
    this.port.postMessage(this.piece, [this.piece.buffer]);
    this.piece = new Int16Array(Math.round(sampleRate / PER_SECOND));
    this.filled = 0;
  }
}

registerProcessor("rhapsode-capture", Capture);
