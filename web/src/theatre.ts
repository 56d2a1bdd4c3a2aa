/** A performer on a stage: every video frame shows the face of the sample that is heard. */

import { Avatar } from "./avatar.ts";
import { type Carrier, SocketCarrier } from "./connection.ts";
import { steer } from "./orbit.ts";
import { type Audience, Performer } from "./performer.ts";
import { Recent } from "./recent.ts";
import { RtcCarrier } from "./rtc.ts";
import { saying, type Server } from "./server.ts";
import { Stage } from "./stage.ts";

export interface TheatreOptions {
  canvas: HTMLCanvasElement;
  server: Server;
  audience: Audience;
  follow?: string | null;
  session?: string | null;
  transport?: "ws" | "rtc" | "auto";
}

export class Theatre {
  readonly performer: Performer;
  /** Null where the browser cannot draw in 3D. */
  readonly stage: Stage | null;
  readonly intervals = new Recent(9, 1000 / 60);
  avatar: Avatar | null = null;
  /** What is loaded, or being loaded. */
  avatarUrl = "";
  /** What stands there. */
  shownUrl = "";
  /** What carries the session. */
  transport: "ws" | "rtc" = "ws";
  /** How much of the head's motion is shown. */
  motion = 1;
  private drawn = performance.now();
  private frame = 0;
  private readonly server: Server;
  private readonly canvas: HTMLCanvasElement;

  constructor(options: TheatreOptions, private readonly eachFrame: (now: number) => void = () => {}) {
    this.server = options.server;
    this.canvas = options.canvas;
    let peers = (options.transport ?? "ws") !== "ws" && "RTCPeerConnection" in window;
    const carry = (): Carrier => {
      // Where WebRTC does not get through, the WebSocket takes over for good.
      this.transport = peers ? "rtc" : "ws";
      return peers ? new RtcCarrier(options.server, () => (peers = false)) : new SocketCarrier(options.server.socket);
    };
    const fetch = async (path: string) => (await options.server.ask(path)).arrayBuffer();
    this.performer = new Performer(carry, options.audience, options.follow, options.session, fetch);
    let stage: Stage | null = null;
    try {
      stage = new Stage(options.canvas);
    } catch {
      // The page says so; sound works all the same.
    }
    this.stage = stage;
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  /** Brings the avatar of an address onto the stage; null if another was asked for meanwhile. */
  async enter(url: string): Promise<Avatar | null> {
    this.avatarUrl = url;
    const names = this.performer.face?.names;
    if (!this.stage || !names) return null;
    let avatar: Avatar;
    try {
      avatar = await Avatar.load(this.server.url(url), names, this.stage.anisotropy);
    } catch (error) {
      throw new Error(plainly(error));
    }
    if (this.avatarUrl !== url) {
      avatar.dispose();
      return null;
    }
    this.avatar = avatar;
    this.shownUrl = url;
    this.stage.set(avatar);
    return avatar;
  }

  /** Lets mouse, fingers and keys steer the camera; `act` takes keys that are not the camera's. */
  steer(act: (key: string) => boolean): void {
    if (this.stage) steer(this.canvas, this.stage.man, act);
  }

  private tick(now: number): void {
    this.frame = requestAnimationFrame((next) => this.tick(next));
    const seconds = Math.max((now - this.drawn) / 1000, 0);
    this.performer.measure();
    this.drawn = now;
    if (seconds > 0 && seconds < 1) this.intervals.add(seconds * 1000);
    const face = this.performer.step(seconds, this.intervals.median);
    if (face && this.avatar) {
      this.avatar.motion = this.motion;
      this.avatar.show(face, seconds, this.performer.bones);
      this.stage?.draw(seconds);
    }
    this.eachFrame(now);
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.performer.player.stop();
    this.performer.connection.close();
    this.stage?.dispose();
  }
}

/** The loader's complaints in words for people who know nothing of glTF. */
function plainly(error: unknown): string {
  const words = saying(error);
  if (/JSON|Unexpected token|not valid|magic|Unsupported asset|header/i.test(words)) {
    return "notModel";
  }
  return words;
}
