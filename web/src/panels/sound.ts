/** The panel of sound: microphone, volume, subtitles. */

import type { Context } from "../context.ts";
import { h, hint, icon, part, slider, toggle } from "../dom.ts";
import { fault, Microphone, microphones, SILENT_DB } from "../microphone.ts";
import { remember, remembered, rememberedNumber } from "../memory.ts";
import type { Panel } from "../sheet.ts";
import { bind, onLanguage, strings } from "../strings.ts";

export class SoundPanel implements Panel {
  readonly id = "sound";
  readonly title = (words: typeof strings) => words.sound;
  readonly element: HTMLElement;
  readonly microphone: Microphone;
  private readonly button: HTMLButtonElement;
  private readonly device = h("select", { id: "mic-device" });
  private readonly meter = h("meter", { class: "meter", label: (words) => words.micLevel, attributes: { min: "0", max: "1", value: "0" } });
  private readonly voice = h("span", { class: "voice" });
  private noise = remembered("noise") !== "off";

  constructor(
    private readonly context: Context,
    private readonly quick: HTMLButtonElement,
    actions: { volume(level: number): void; subtitles(on: boolean): void },
  ) {
    this.microphone = new Microphone({
      state: () => this.draw(),
      opened: (rate) => context.performer.send({ type: "mic", on: true, sample_rate: rate }),
      packet: (packet) => void context.performer.connection.sendPacket(packet),
      level: (db) => this.level(db),
    });
    this.button = h("button", { class: "button wide mic", id: "mic", attributes: { type: "button", "aria-pressed": "false" } });
    for (const node of [this.button, quick]) node.addEventListener("click", () => void this.turn());
    this.device.addEventListener("change", () => {
      remember("microphone", this.device.value);
      if (this.microphone.state === "on") void this.start();
    });
    const noise = toggle("mic-noise", (words) => words.micNoise, this.noise, (on) => {
      this.noise = on;
      remember("noise", on ? "on" : "off");
      if (this.microphone.state === "on") void this.start();
    });
    const volume = slider(
      { name: "volume", label: (words) => words.volume, low: 0, high: 1, value: rememberedNumber("volume", 0.9), show: (value) => `${Math.round(value * 100)} %` },
      actions.volume,
    );
    const captions = toggle("subtitles", (words) => words.subtitles, remembered("subtitles") !== "off", actions.subtitles);
    const deviceRow = h("label", { class: "field" }, h("span", { text: (words) => words.micDevice }), this.device);
    this.element = h(
      "div",
      {},
      part((words) => words.microphone, hint((words) => words.micHint), this.button, h("div", { class: "level" }, this.meter, this.voice), deviceRow, noise.element, hint((words) => words.micKey)),
      part((words) => words.playback, volume.element, captions.element),
    );
    actions.volume(rememberedNumber("volume", 0.9));
    bind(this.button, () => this.draw());
    onLanguage(() => void this.list());
    void this.list();
  }

  shown(on: boolean): void {
    if (on) void this.list();
  }

  private async list(): Promise<void> {
    const found = await microphones().catch(() => []);
    const kept = remembered("microphone") ?? "";
    const rows = found.map(({ deviceId, label }, index) => new Option(label || `${strings.microphone} ${index + 1}`, deviceId, false, deviceId === kept));
    this.device.replaceChildren(new Option(strings.micDefault, ""), ...rows);
  }

  /** On if it is off, and the other way round. */
  async turn(): Promise<void> {
    if (this.microphone.state !== "off") return this.off();
    await this.start();
  }

  off(): void {
    if (this.microphone.state === "off") return;
    this.microphone.stop();
    this.context.performer.send({ type: "mic", on: false });
  }

  private async start(): Promise<void> {
    if (!this.context.modern) return this.context.tell(strings.micOld);
    try {
      this.context.hush();
      await this.microphone.start(this.device.value, { echo: this.noise, noise: this.noise });
      void this.list();
    } catch (error) {
      this.context.tell(strings[fault(error)]);
    }
  }

  private level(db: number): void {
    const part = 1 - db / SILENT_DB;
    this.meter.value = part;
    this.quick.style.setProperty("--level", part.toFixed(2));
  }

  /** What the server makes of the sound. */
  heard(activity: number): void {
    const words = activity > 0.5 ? strings.micVoice : strings.micQuiet;
    if (this.voice.textContent !== words) this.voice.textContent = words;
  }

  private draw(): void {
    const on = this.microphone?.state !== "off" && this.microphone !== undefined;
    const words = on ? strings.micOff : strings.micOn;
    this.button.replaceChildren(icon("sound"), words);
    for (const node of [this.button, this.quick]) node.setAttribute("aria-pressed", String(on));
    this.quick.setAttribute("aria-label", words);
    this.quick.title = `${words} (Ctrl+M)`;
    if (on) return;
    this.meter.value = 0;
    this.voice.textContent = "";
    this.quick.style.removeProperty("--level");
  }
}
