/** The session over WebRTC: the data channel "stage" is as the WebSocket, "curves" drops what comes late. */

import type { Carrier } from "./connection.ts";
import type { Server } from "./server.ts";

/** What is not open after so long is taken for blocked. */
const OPEN_MS = 6000;
const GATHER_MS = 1500;

export class RtcCarrier implements Carrier {
  onopen = (): void => {};
  ondata: (data: string | ArrayBuffer) => void = () => {};
  onclose = (): void => {};
  private readonly peer = new RTCPeerConnection();
  private readonly stage = this.peer.createDataChannel("stage");
  private readonly curves = this.peer.createDataChannel("curves", { ordered: false, maxRetransmits: 0 });
  private readonly timer: number;
  private ended = false;

  /** `failed` is called once if it never opened. */
  constructor(
    private readonly server: Server,
    private readonly failed: () => void,
  ) {
    this.stage.binaryType = this.curves.binaryType = "arraybuffer";
    this.stage.onopen = () => {
      window.clearTimeout(this.timer);
      this.onopen();
    };
    const take = (event: MessageEvent<string | ArrayBuffer>) => this.ondata(event.data);
    this.stage.onmessage = take;
    this.curves.onmessage = take;
    this.stage.onclose = () => this.end(false);
    this.peer.onconnectionstatechange = () => {
      if (["failed", "closed", "disconnected"].includes(this.peer.connectionState)) this.end(!this.timerDone);
    };
    this.timer = window.setTimeout(() => this.end(true), OPEN_MS);
    this.negotiate().catch(() => this.end(true));
  }

  private get timerDone(): boolean {
    return this.stage.readyState !== "connecting";
  }

  private async negotiate(): Promise<void> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
    await this.gathered();
    const answer = await this.server.send<RTCSessionDescriptionInit>("POST", "/api/rtc", {
      sdp: this.peer.localDescription?.sdp,
      type: "offer",
      hello: true,
    });
    if (!answer) throw new Error("the server gave no answer");
    await this.peer.setRemoteDescription(answer);
  }

  /** Waits until the addresses of this machine are known: the offer carries them all. */
  private gathered(): Promise<void> {
    return new Promise((done) => {
      if (this.peer.iceGatheringState === "complete") return done();
      this.peer.onicegatheringstatechange = () => {
        if (this.peer.iceGatheringState === "complete") done();
      };
      window.setTimeout(done, GATHER_MS);
    });
  }

  private end(unopened: boolean): void {
    if (this.ended) return;
    this.ended = true;
    window.clearTimeout(this.timer);
    if (unopened) this.failed();
    this.peer.close();
    // Whoever made this may not have said yet what is to happen then.
    queueMicrotask(() => this.onclose());
  }

  get open(): boolean {
    return this.stage.readyState === "open";
  }

  get waiting(): number {
    return this.stage.bufferedAmount;
  }

  send(data: string | ArrayBuffer): void {
    if (typeof data === "string") this.stage.send(data);
    else this.stage.send(data);
  }

  close(): void {
    this.end(false);
  }
}
