/** The way to the server; comes back by itself, a little later each time, to the session it had. */

import { type Message, type Packet, parsePacket, type Request } from "./protocol.ts";

export type Link = "connecting" | "open" | "lost";

export interface Listener {
  link(state: Link): void;
  message(message: Message): void;
  packet(packet: Packet): void;
}

/** Something that carries messages: a WebSocket, or the data channels of WebRTC. */
export interface Carrier {
  readonly open: boolean;
  /** Bytes that wait to be sent. */
  readonly waiting: number;
  onopen: () => void;
  ondata: (data: string | ArrayBuffer) => void;
  onclose: () => void;
  send(data: string | ArrayBuffer): void;
  close(): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const PING_MS = 2000;
/** More than this waits to be sent only where the network stands still; sound is then worth nothing. */
const FULL_BYTES = 512 * 1024;

export class SocketCarrier implements Carrier {
  onopen = (): void => {};
  ondata: (data: string | ArrayBuffer) => void = () => {};
  onclose = (): void => {};
  private readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.onopen();
    this.socket.onclose = () => this.onclose();
    this.socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.ondata(event.data);
  }

  get open(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  get waiting(): number {
    return this.socket.bufferedAmount;
  }

  send(data: string | ArrayBuffer): void {
    this.socket.send(data);
  }

  close(): void {
    this.socket.close();
  }
}

export class Connection {
  /** Round trip of the last ping, ms. */
  roundTripMs: number | null = null;
  /** True once the server has said that it answers pings; an older one ends connections over them. */
  chatty = false;
  /** How often it had to be made anew. */
  lost = 0;
  private carrier: Carrier | null = null;
  private wait = FIRST_WAIT_MS;
  private timer = 0;
  private readonly pinging: number;
  private closed = false;

  /** `carry` makes a new carrier; it is asked again after each loss. */
  constructor(
    private readonly carry: () => Carrier,
    private readonly listener: Listener,
  ) {
    window.addEventListener("online", this.soon);
    document.addEventListener("visibilitychange", this.shown);
    this.pinging = window.setInterval(() => this.chatty && this.send({ type: "ping", t: performance.now() }), PING_MS);
  }

  get open(): boolean {
    return this.carrier?.open ?? false;
  }

  connect(): void {
    window.clearTimeout(this.timer);
    const carrier = this.carry();
    this.carrier = carrier;
    carrier.onopen = () => {
      this.wait = FIRST_WAIT_MS;
      this.listener.link("open");
    };
    carrier.ondata = (data) => this.take(data);
    carrier.onclose = () => {
      if (this.carrier !== carrier) return;
      this.carrier = null;
      this.roundTripMs = null;
      this.chatty = false;
      this.lost += 1;
      if (this.closed) return;
      this.listener.link("lost");
      this.timer = window.setTimeout(() => this.connect(), this.wait * (0.8 + 0.4 * Math.random()));
      this.wait = Math.min(this.wait * 1.7, LONGEST_WAIT_MS);
    };
  }

  private take(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      const packet = parsePacket(data);
      if (packet) this.listener.packet(packet);
      return;
    }
    const message = JSON.parse(data) as Message;
    if (message.type === "pong") this.roundTripMs = performance.now() - message.t;
    else this.listener.message(message);
  }

  send(request: Request): boolean {
    if (!this.carrier?.open) return false;
    this.carrier.send(JSON.stringify(request));
    return true;
  }

  /** Sends a packet of sound, unless too much waits already. */
  sendPacket(packet: ArrayBuffer): boolean {
    if (!this.carrier?.open || this.carrier.waiting > FULL_BYTES) return false;
    this.carrier.send(packet);
    return true;
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    window.clearInterval(this.pinging);
    window.removeEventListener("online", this.soon);
    document.removeEventListener("visibilitychange", this.shown);
    this.carrier?.close();
  }

  /** Tries again now, where it waits. */
  private readonly soon = (): void => {
    if (!this.carrier && !this.closed) this.connect();
  };

  private readonly shown = (): void => {
    if (!document.hidden) this.soon();
  };
}
