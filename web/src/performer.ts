/**
 * One session with the server, without a picture: requests go out, packets come in, and at every video frame
 * there is a face of the sample that is heard.
 */

import { Background } from "./background.ts";
import { type Carrier, Connection, type Link } from "./connection.ts";
import { BonesTrack, type Turns } from "./curves.ts";
import { Face, sampleToShow } from "./face.ts";
import { Player } from "./player.ts";
import {
  type Begin,
  CLOCK_HZ,
  type Heard,
  type Hello,
  type Message,
  type Packet,
  type Ready,
  type Request,
} from "./protocol.ts";
import { Recent } from "./recent.ts";

export type Activity = "idle" | "waiting" | "speaking" | "listening";

/** What a performer tells whoever shows it. */
export interface Audience {
  link(state: Link): void;
  ready(message: Ready): void;
  activity(activity: Activity): void;
  message(message: Message): void;
}

interface Utterance {
  generation: number;
  start: number;
  end: number | null;
}

const POSITION_MS = 500;

export class Performer {
  readonly player = new Player();
  readonly connection: Connection;
  readonly background: Background;
  readonly errors = new Recent(15, 0);
  face: Face | null = null;
  /** The turns of the body's bones that belong to the face shown; null where none do. */
  bones: Turns | null = null;
  generation = 0;
  session: string | null;
  resumed = false;
  activity: Activity = "idle";
  settings: Hello = { type: "hello" };
  /** By how much the face is shown early, s. */
  lead = 0;
  /** How far the picture shown last was from the sound, ms. */
  errorMs: number | null = null;
  heardSample: number | null = null;
  private utterance: Utterance | null = null;
  /** After a stop what was asked for before is not heard, until the server says that it has stopped. */
  private deaf = false;
  private positionTold = 0;

  private readonly track = new BonesTrack();

  constructor(
    carry: (performer: Performer) => Carrier,
    private readonly audience: Audience,
    readonly follow: string | null = null,
    session: string | null = null,
    fetch: (path: string) => Promise<ArrayBuffer> = () => Promise.reject(new Error("no server")),
  ) {
    this.session = session;
    this.background = new Background(() => this.player.output, fetch);
    this.connection = new Connection(() => carry(this), {
      link: (state) => this.link(state),
      message: (message) => this.message(message),
      packet: (packet) => this.packet(packet),
    });
  }

  get speaking(): boolean {
    return this.utterance !== null && this.player.heard(performance.now()) !== null;
  }

  /** Sends how this session is to be played. */
  greet(): void {
    this.connection.send(this.settings);
  }

  /** Asks for speech, a recording or a take. */
  request(request: Request): boolean {
    this.hush();
    this.deaf = false;
    const sent = this.connection.send(request);
    this.become(sent ? "waiting" : "idle");
    return sent;
  }

  stop(): void {
    this.hush();
    this.deaf = true;
    this.connection.send({ type: "stop" });
    this.become("idle");
  }

  /** What was asked for brings no sound after all. */
  settle(): void {
    if (this.activity === "waiting" && !this.utterance) this.become("idle");
  }

  send(request: Request): boolean {
    return this.connection.send(request);
  }

  /** Silence at once, and the mouth closes; what the server says next decides what follows. */
  private hush(): void {
    if (this.utterance) {
      this.tell("interrupted");
      this.face?.settle();
    }
    this.player.stop();
    this.utterance = null;
  }

  private become(activity: Activity): void {
    if (this.activity === activity) return;
    this.activity = activity;
    this.audience.activity(activity);
  }

  private link(state: Link): void {
    if (state === "open") {
      const { settings, session, follow } = this;
      this.connection.send({ ...settings, ...(follow ? { follow } : session ? { session } : {}) });
    } else {
      this.hush();
      this.background.stop();
      this.deaf = false;
      this.become("idle");
      this.face?.settle();
    }
    this.audience.link(state);
  }

  private message(message: Message): void {
    switch (message.type) {
      case "ready":
        this.welcome(message);
        break;
      case "begin":
        if (this.deaf) return;
        this.begin(message);
        break;
      case "words":
        if (message.generation !== this.utterance?.generation) return;
        break;
      case "end":
        if (message.generation !== this.utterance?.generation) break;
        this.utterance.end = message.sample;
        this.player.end(message.generation, message.sample);
        break;
      case "idle":
        this.idle(message.generation, message.start);
        break;
      case "listen":
        this.hush();
        this.generation = message.generation;
        this.face?.listen();
        this.become("listening");
        break;
      case "background":
        this.background.tell(message);
        break;
      case "error":
        if (!this.utterance && this.activity === "waiting") this.become("idle");
        break;
    }
    this.audience.message(message);
  }

  private welcome(message: Ready): void {
    this.generation = message.generation;
    this.session = message.session ?? null;
    this.resumed = message.resumed ?? false;
    this.connection.chatty = this.session !== null;
    this.track.clear();
    if (this.face && this.face.names.join() === message.names.join()) this.face.forget();
    else this.face = new Face(message.names);
    this.audience.ready(message);
  }

  private begin({ generation, start, sample_rate }: Begin): void {
    this.player.stop();
    this.generation = generation;
    this.utterance = { generation, start, end: null };
    if (this.face?.mode === "listen") this.face.live(start);
    this.face?.expect(start);
    this.player.begin(generation, start, sample_rate);
    if (this.activity !== "waiting") this.become("waiting");
  }

  /** Nothing more is spoken. After a whole utterance the sound still plays, and life follows by itself. */
  private idle(generation: number, start: number): void {
    if (generation < this.generation) return;
    this.generation = generation;
    this.deaf = false;
    if (this.utterance?.generation === generation && this.utterance.end !== null) return;
    if (this.utterance) this.hush();
    this.face?.live(start);
    this.become("idle");
  }

  private packet(packet: Packet): void {
    if (packet.generation < this.generation) return;
    if (packet.kind === "bones") {
      if (packet.generation === this.generation) this.track.push(packet.start, packet.count, packet.names, packet.turns);
    } else if (packet.kind === "curves") {
      if (packet.generation === this.generation) this.face?.push(packet.start, packet.count, packet.values);
    } else if (packet.generation === this.utterance?.generation) {
      this.player.push(packet.generation, packet.start, packet.samples);
    }
  }

  /** Moves on by `seconds`; returns the channels to show in a picture that is seen `aheadMs` from now. */
  step(seconds: number, aheadMs: number): Float32Array | null {
    const sample = this.hear(aheadMs);
    this.background.step(this.utterance !== null && this.activity !== "listening");
    this.face?.step(seconds, sample);
    this.bones = this.face && !Number.isNaN(this.face.at) ? this.track.at(this.face.at) : null;
    return this.face?.shown ?? null;
  }

  /** Finds the sample that will be heard when this picture is seen, and what it means for the show. */
  private hear(aheadMs: number): number | null {
    this.heardSample = null;
    if (!this.utterance) return null;
    const now = performance.now();
    const heard = this.player.heard(now);
    if (!heard) return null;
    if (this.face?.mode !== "speech") {
      this.face?.speak();
      this.become("speaking");
      this.tell("started", heard.sample);
    }
    if (heard.ended) {
      const end = this.utterance.end ?? heard.sample;
      this.tell("finished", end);
      this.utterance = null;
      this.player.stop();
      this.face?.end(end);
      this.become("idle");
      return null;
    }
    this.heardSample = heard.sample;
    if (now - this.positionTold > POSITION_MS) this.tell("playing", heard.sample);
    const shown = sampleToShow(this.player, now, aheadMs);
    return shown === null ? null : shown + this.lead * CLOCK_HZ;
  }

  private tell(state: Heard, sample: number | null = this.heardSample): void {
    // A server without sessions does not know these messages.
    if (!this.utterance || this.follow || this.session === null || sample === null) return;
    this.positionTold = performance.now();
    this.connection.send({
      type: "position",
      generation: this.utterance.generation,
      sample: Math.max(0, Math.round(sample)),
      state,
    });
  }

  /** At the moment the last picture is seen: how far its curves are from the sound being heard. */
  measure(): void {
    const heard = this.face?.mode === "speech" ? this.player.heard(performance.now()) : null;
    if (!heard?.moving || !this.face?.shownSample) {
      this.errorMs = null;
      return;
    }
    this.errorMs = ((this.face.shownSample - this.lead * CLOCK_HZ - heard.sample) / CLOCK_HZ) * 1000;
    this.errors.add(this.errorMs);
  }
}
