/** Brings everything together: requests go out, packets come in, every video frame shows what is heard. */

import { Avatar } from "./avatar.ts";
import { Captions } from "./captions.ts";
import { Connection, type Link } from "./connection.ts";
import { Face, sampleToShow } from "./face.ts";
import { type Catalogue, readCatalogue } from "./catalogue.ts";
import { Panel } from "./panel.ts";
import { Player } from "./player.ts";
import { type Begin, CLOCK_HZ, type CurvesPacket, type Message, type Request, type SoundPacket } from "./protocol.ts";
import { Recent } from "./recent.ts";
import { Stage } from "./stage.ts";
import { strings } from "./strings.ts";
import { Controls } from "./ui.ts";

/** What tests and curious people find as `window.rhapsode`. */
export interface Probe {
  ready: boolean;
  connected: boolean;
  speaking: boolean;
  weights: Record<string, number>;
  audioSample: number | null;
  errorMs: number | null;
  /** How long a picture is shown, ms. */
  frameMs: number;
  generation: number;
  avatar: string;
}

declare global {
  interface Window {
    rhapsode: Probe;
  }
}

interface Utterance {
  generation: number;
  start: number;
  end: number | null;
}

const SHOW_ERROR_MS = 250;
/** A slider that is being moved is heard when it has stood still for so long. */
const FEEL_MS = 80;

export class Show {
  private readonly controls: Controls;
  private readonly captions: Captions;
  private readonly player = new Player();
  private readonly connection: Connection;
  private stage: Stage | null = null;
  private avatar: Avatar | null = null;
  private avatarName = "";
  private names: string[] = [];
  private face: Face | null = null;
  private generation = 0;
  private wanted = false;
  private sample = "";
  private utterance: Utterance | null = null;
  private readonly panel: Panel;
  private catalogue: Catalogue | null = null;
  private style = "natural";
  private emotion = "";
  private greeting = 0;
  private errorMs: number | null = null;
  private errorTold = 0;
  private drawn = performance.now();
  private readonly intervals = new Recent(9, 1000 / 60);
  private readonly errors = new Recent(15, 0);

  constructor() {
    this.controls = new Controls({
      say: (text) => this.request({ type: "say", text }),
      sample: (name) => this.request({ type: "sample", name }, name),
      stop: () => this.stop(),
      volume: (level) => {
        this.player.volume = level;
      },
      avatar: (name) => void this.enter(name),
      style: (name) => {
        this.style = name;
        this.greet();
      },
      emotion: (name, amount) => {
        this.emotion = name === "" || name === "auto" ? name : `${name}:${amount}`;
        window.clearTimeout(this.greeting);
        this.greeting = window.setTimeout(() => this.greet(), FEEL_MS);
      },
    });
    this.panel = new Panel(this.controls.panel, () => this.greet());
    this.captions = new Captions(this.controls.caption);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.connection = new Connection(`${scheme}//${location.host}/ws`, {
      link: (state) => this.link(state),
      message: (message) => this.message(message),
      packet: (packet) => this.packet(packet),
    });
    window.rhapsode = this.probe();
  }

  async open(): Promise<void> {
    try {
      this.stage = new Stage(this.controls.canvas);
    } catch {
      this.controls.tell(strings.noGraphics);
    }
    this.cover();
    new ResizeObserver(() => this.cover()).observe(this.controls.dock);
    this.connection.connect();
    await this.furnish();
    requestAnimationFrame((now) => this.tick(now));
  }

  /** Fills the controls with what the server has; tried again at every new connection until it works. */
  private async furnish(): Promise<void> {
    if (this.catalogue) return;
    try {
      this.catalogue = await readCatalogue();
    } catch {
      return;
    }
    const { avatars, styles, emotions, samples } = this.catalogue;
    this.controls.options("style", styles, this.style, strings.styles);
    this.controls.options("emotion", ["", "auto", ...emotions], "", strings.emotions);
    this.controls.samples(samples);
    this.controls.options("avatar", [...avatars.keys()], this.catalogue.chosen);
    await this.enter(this.catalogue.chosen);
  }

  /** Brings an avatar onto the stage. */
  private async enter(name: string): Promise<void> {
    this.avatarName = name;
    const url = this.catalogue?.avatars.get(name);
    if (!url || !this.stage || !this.names.length) return;
    try {
      const avatar = await Avatar.load(url, this.names, this.stage.anisotropy);
      if (this.avatarName !== name) return avatar.dispose();
      this.avatar = avatar;
      this.stage.set(avatar);
      this.controls.reveal();
    } catch (error) {
      this.controls.tell(`${strings.noAvatar}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private cover(): void {
    if (this.stage) this.stage.covered = this.controls.dock.querySelector(".panel")?.clientHeight ?? 0;
  }

  private greet(): void {
    this.connection.send({ type: "hello", style: this.style, strength: 1, seed: 0, emotion: this.emotion, controls: this.panel.turned });
  }

  private request(request: Request, sample = ""): void {
    void this.player.unlock().catch(() => this.controls.tell(strings.noSound));
    this.hush();
    if (!this.connection.send(request)) return this.controls.show("idle");
    this.wanted = true;
    this.sample = sample;
    this.controls.tell(null);
    this.controls.show("waiting", sample);
  }

  private stop(): void {
    this.hush();
    this.wanted = false;
    this.connection.send({ type: "stop" });
    this.controls.show("idle");
  }

  /** Silence at once, and the mouth closes; what the server says next decides what follows. */
  private hush(): void {
    this.player.stop();
    this.captions.clear();
    if (this.utterance) this.face?.settle();
    this.utterance = null;
  }

  private link(state: Link): void {
    this.controls.link(state);
    if (state === "open") {
      if (this.style !== "natural" || this.emotion || Object.keys(this.panel.turned).length) this.greet();
      void this.furnish();
      return;
    }
    this.hush();
    this.wanted = false;
    this.controls.show("idle");
    this.face?.settle();
  }

  private message(message: Message): void {
    switch (message.type) {
      case "ready":
        this.generation = message.generation;
        if (this.face && this.names.join() === message.names.join()) this.face.forget();
        else this.face = new Face(message.names);
        this.names = message.names;
        if (!this.avatar) void this.enter(this.avatarName);
        break;
      case "begin":
        if (this.wanted) this.begin(message);
        break;
      case "words":
        if (message.generation === this.utterance?.generation && !this.sample) this.captions.add(message.words);
        break;
      case "end":
        if (message.generation !== this.utterance?.generation) break;
        this.utterance.end = message.sample;
        this.player.end(message.generation, message.sample);
        break;
      case "idle":
        this.idle(message.generation, message.start);
        break;
      case "error":
        this.controls.tell(message.message);
        if (!this.utterance) this.controls.show("idle");
        break;
    }
  }

  private begin({ generation, start, sample_rate }: Begin): void {
    this.generation = generation;
    this.utterance = { generation, start, end: null };
    this.captions.clear();
    const recording = this.catalogue?.samples.find(({ name }) => name === this.sample);
    this.captions.add(
      (recording?.words ?? []).map(([text, from, to]) => [text, start + from * CLOCK_HZ, start + to * CLOCK_HZ]),
    );
    this.face?.expect(start);
    this.player.begin(generation, start, sample_rate);
  }

  /** Nothing more is spoken. After a whole utterance the sound still plays, and life follows by itself. */
  private idle(generation: number, start: number): void {
    if (generation < this.generation) return;
    this.generation = generation;
    if (this.utterance?.generation === generation && this.utterance.end !== null) return;
    const stale = this.utterance !== null;
    if (stale) this.hush();
    this.face?.live(start);
    if (stale || !this.wanted) this.controls.show("idle");
  }

  private packet(packet: SoundPacket | CurvesPacket): void {
    if (packet.generation < this.generation) return;
    if (packet.kind === "curves") {
      if (packet.generation === this.generation) this.face?.push(packet.start, packet.count, packet.values);
    } else if (packet.generation === this.utterance?.generation) {
      this.player.push(packet.generation, packet.start, packet.samples);
    }
  }

  private tick(now: number): void {
    requestAnimationFrame((next) => this.tick(next));
    const seconds = Math.max((now - this.drawn) / 1000, 0);
    this.measure();
    this.drawn = now;
    if (seconds > 0 && seconds < 1) this.intervals.add(seconds * 1000);
    const sample = this.follow();
    this.face?.step(seconds, sample);
    if (this.face && this.avatar) {
      this.avatar.show(this.face.shown, seconds);
      this.stage?.draw(seconds);
    }
  }

  /** Finds the sample that will be heard when this picture is seen, and what it means for the show. */
  private follow(): number | null {
    if (!this.utterance) return null;
    const now = performance.now();
    const heard = this.player.heard(now);
    if (!heard) return null;
    if (this.face?.mode !== "speech") {
      this.face?.speak();
      this.controls.show("speaking");
    }
    if (heard.ended) {
      const end = this.utterance.end ?? heard.sample;
      this.utterance = null;
      this.wanted = false;
      this.player.stop();
      this.face?.end(end);
      this.captions.clear();
      this.controls.show("idle");
      this.controls.error(null);
      return null;
    }
    this.captions.at(heard.sample);
    return sampleToShow(this.player, now, this.intervals.median);
  }

  /** At the moment the last picture is seen: how far its curves are from the sound being heard. */
  private measure(): void {
    const now = performance.now();
    const heard = this.face?.mode === "speech" ? this.player.heard(now) : null;
    if (!heard?.moving || !this.face?.shownSample) {
      this.errorMs = null;
      if (!this.utterance) this.controls.error(null);
      return;
    }
    this.errorMs = ((this.face.shownSample - heard.sample) / CLOCK_HZ) * 1000;
    this.errors.add(this.errorMs);
    if (now - this.errorTold > SHOW_ERROR_MS) {
      this.errorTold = now;
      this.controls.error(this.errors.median);
    }
  }

  private probe(): Probe {
    const show = this;
    return {
      get ready() {
        return show.avatar !== null && show.face !== null;
      },
      get connected() {
        return show.connection.open;
      },
      get speaking() {
        return show.utterance !== null && show.player.heard(performance.now()) !== null;
      },
      get weights() {
        return Object.fromEntries(show.names.map((name, index) => [name, show.face?.shown[index] ?? 0]));
      },
      get audioSample() {
        return show.player.heard(performance.now())?.sample ?? null;
      },
      get errorMs() {
        return show.errorMs;
      },
      get frameMs() {
        return show.intervals.median;
      },
      get generation() {
        return show.generation;
      },
      get avatar() {
        return show.avatarName;
      },
    };
  }
}
