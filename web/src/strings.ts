/** What the page says, by language, and the switch between. */

import { SETTINGS_EN } from "./strings-settings.ts";
import { TALK_EN } from "./strings-talk.ts";
import { CHINESE } from "./strings-zh.ts";
import { remembered, remember } from "./memory.ts";

export const ENGLISH = {
  ...TALK_EN,
  ...SETTINGS_EN,
  placeholder: "Write something to say…",
  text: "Text to speak",
  speak: "Speak",
  stop: "Stop",
  samples: "Sample recordings",
  connecting: "Connecting…",
  open: "Connected",
  lost: "Connection lost, trying again…",
  resumed: "Back again; the session goes on.",
  loading: "Setting the stage…",
  error: (ms: string) => `lips to sound ${ms} ms`,
  errorHint: "How far the face shown is from the sound heard, measured on this screen",
  view: "A speaking avatar. Drag or use the arrow keys to look around it, plus and minus to come closer or step back, 0 to reset, 1 to 3 for the framings.",
  noSound: "This browser allows sound only on localhost or over https; open the page that way.",
  noAvatar: "The avatar could not be loaded",
  noGraphics: "This browser cannot draw in 3D (WebGL 2 is missing or turned off).",
  panels: "Panels",
  close: "Close",
  undo: "Undo",
  reset: "Reset",
  light: "Light",
  dark: "Dark",
  theme: "Change between light and dark",
  switch: "中文",
  switchHint: "换成中文",
  look: "Look",
  sound: "Sound",
  playback: "Playback",
  connected: "Connected",
  budget: "Where the milliseconds go",
  thisBrowser: "This browser",
  face: "Face",
  outputs: "Outputs",
  takes: "Takes",
  timing: "Timing",
  check: "Check",
  avatar: "Avatar",
  openFile: "Open a file…",
  dropHere: "Drop it here",
  dropHint: "A .vrm or .glb file; it stays on this machine and its server.",
  dropAnywhere: "or drop a .vrm or .glb anywhere on the page",
  badFile: (name: string) => `“${name}” is no avatar. Choose a .vrm or .glb file.`,
  bigFile: (mb: number) => `This file has ${mb} MB; the server takes 64 MB, so only this page shows it.`,
  notModel: "the file is damaged or no glTF; export it again as .vrm or .glb",
  coverage: "What its face can do",
  coverageShort: (can: number, all: number): string => `${can} of ${all}`,
  found: "found",
  stoodIn: "stood in",
  missing: "missing",
  coverageHint: (here: boolean): string => (here ? "as this page reads the file" : "as the server reads the file"),
  noFace: "This model has no shapes for a face and no jaw bone; its head moves, its mouth does not.",
  camera: "Camera",
  framings: { face: "Face", bust: "Bust", body: "Full body" } as Record<string, string>,
  cameraHint: "Drag to look around, scroll or pinch for near and far, Shift and drag to move. Double click resets.",
  background: "Background",
  backdrops: {
    paper: "Plain", sand: "Sand", sage: "Sage", dusk: "Dusk", night: "Night", transparent: "Transparent",
    colour: "Own colour", picture: "Picture",
  } as Record<string, string>,
  ownPicture: "Picture…",
  ownColour: "Own colour",
  lighting: "Light",
  lightings: { studio: "Studio", daylight: "Daylight", evening: "Evening" } as Record<string, string>,
  brightness: "Brightness",
  microphone: "Microphone",
  micOn: "Turn on the microphone",
  micOff: "Turn off the microphone",
  micHint: "The face follows your voice as you speak, as a mirror does. To talk with it, press Talk. Nothing is stored unless you record.",
  micKey: "Ctrl + M begins to talk, where that is possible, and turns any microphone off.",
  micDevice: "Device",
  micDefault: "The system's choice",
  micNoise: "Reduce noise in the browser",
  micLevel: "Level",
  micVoice: "voice",
  micQuiet: "quiet",
  micDenied: "The browser may not use the microphone. Allow it in the address bar, then try again.",
  micNone: "No microphone was found. Plug one in, then try again.",
  micBusy: "The microphone is in use by another program, or its driver failed.",
  micInsecure: "Browsers give the microphone only to https pages and to localhost.",
  micOld: "This server does not take a microphone; it speaks an older protocol.",
  listening: "Listening",
  volume: "Volume",
  subtitles: "Subtitles",
  subtitlesHint: "Show the words as they are spoken",
  style: "Style",
  emotion: "Emotion",
  amount: "Strength of the emotion",
  strengthened: "Adjust",
  styles: { natural: "Natural", serious: "Serious", lively: "Lively", cartoon: "Cartoon" } as Record<string, string>,
  emotions: { "": "None", auto: "From the voice", outofbreath: "Out of breath" } as Record<string, string>,
  sliders: {
    lower_strength: "Mouth strength", lower_smoothing: "Response", latency: "Latency compensation",
    blink_strength: "Blinking", motion: "Head motion", overall_strength: "Overall strength",
    upper_strength: "Upper face", upper_smoothing: "Upper smoothing", lip_close_offset: "Lips closer",
    eyelid_offset: "Eyelids", tongue_strength: "Tongue", prediction_offset: "Delay",
  } as Record<string, string>,
  sliderHints: {
    lower_smoothing: "crisp to soft", latency: "the face earlier or later than the sound, here only",
    motion: "here only",
  } as Record<string, string>,
  more: "More controls",
  sinksHint: "Send the face to other programs at the same time. Each keeps its own pace and comes back by itself.",
  noSinks: "Nothing is connected yet.",
  addSink: "Add an output",
  sinkKind: "Kind",
  address: "Address",
  add: "Add",
  remove: "Remove",
  offset: "Offset, ms",
  sinkStates: { connecting: "connecting", open: "sending", failed: "failed, trying again", closed: "closed" } as Record<string, string>,
  sent: "sent",
  dropped: "dropped",
  perSecond: "a second",
  unavailable: "not available",
  notHere: "This server does not offer that.",
  record: "Record",
  stopRecording: "Stop recording",
  recordHint: "Records sound and face of this session.",
  recording: "Recording",
  take: "Take",
  takeName: "Name",
  noTakes: "No takes yet. Press Record, let the avatar speak, and stop.",
  play: "Play",
  edit: "Trim and export",
  remove_take: "Delete",
  removed: (name: string) => `“${name}” was deleted.`,
  back: "All takes",
  trim: "Trim",
  trimStart: "Begin",
  trimEnd: "End",
  wave: "Sound and curves of the take",
  format: "Format",
  export: "Export",
  exporting: "Exporting…",
  seconds: (value: string) => `${value} s`,
  engine: "Engine",
  packet: "Sound to packet",
  network: "Network, there and back",
  output: "Sound output",
  steady: "Steady delay",
  picture: "Picture",
  lips: "Lips to sound",
  ahead: "Ahead of the clock",
  queue: "Waiting · dropped",
  speed: "Time per second of speech",
  timingHint: "Median, and the 95th percentile where the server measures it.",
  curves: "Curves",
  curvesHint: "The last six seconds on the face",
  channel: "Curve",
  noMetrics: "This server sends no measurements.",
  checkHint: "What is well and what is not, with the remedy.",
  again: "Check again",
  states: { ok: "fine", warning: "watch out", bad: "trouble" } as Record<string, string>,
  obs: "Page for OBS",
  obsHint: "Add this address as a browser source: the avatar alone, on transparency.",
  copy: "Copy",
  copied: "Copied",
  tests: {
    secure: ["Secure page", "Sound and microphone are allowed here.", "Browsers allow sound and microphone only on https or localhost.", "Open the page as http://localhost:8420, or put it behind https."],
    socket: ["Connection", "The WebSocket is open.", "No connection to the server.", "Is the server running? A proxy must let WebSockets through; a firewall may block the port."],
    graphics: ["3D graphics", "WebGL 2 works.", "WebGL 2 is missing.", "Turn on hardware acceleration in the browser's settings, or use a current browser."],
    speed: ["Drawing speed", "The picture is smooth.", "The picture is slow; lips look coarse.", "Turn on hardware acceleration, close other programs, or make the window smaller."],
    audio: ["Sound output", "Sound plays.", "The browser does not play sound yet.", "Click anywhere on the page; browsers wait for that."],
    microphone: ["Microphone", "The microphone may be used.", "The microphone is blocked.", "Allow it in the address bar or in the site's settings."],
    microphoneAsk: ["Microphone", "The browser will ask when it is turned on.", "", ""],
    server: ["Server's own checks", "", "This server has no checks of its own.", "Run `rhapsode doctor` on its machine."],
  } as Record<string, [string, string, string, string]>,
};

export type Strings = typeof ENGLISH;
export type Language = "en" | "zh";

const LANGUAGES: Record<Language, Strings> = { en: ENGLISH, zh: CHINESE };

function first(): Language {
  const asked = new URLSearchParams(location.search).get("lang") ?? remembered("language") ?? navigator.language;
  return asked.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export let language: Language = first();
/** The words of the language chosen; read it when they are needed, for it may change. */
export let strings: Strings = LANGUAGES[language];

const listeners = new Set<() => void>();
let bound: { node: WeakRef<Element>; write: (node: Element) => void }[] = [];

/** Calls `write` now and after every change of the language, for as long as `node` lives. */
export function bind<E extends Element>(node: E, write: (node: E) => void): void {
  write(node);
  bound.push({ node: new WeakRef<Element>(node), write: write as (node: Element) => void });
}

/** Calls `act` after every change of the language. */
export function onLanguage(act: () => void): void {
  listeners.add(act);
}

export function speak(chosen: Language): void {
  language = chosen;
  strings = LANGUAGES[chosen];
  remember("language", chosen);
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  bound = bound.filter(({ node }) => node.deref());
  for (const { node, write } of bound) {
    const alive = node.deref();
    if (alive) write(alive);
  }
  for (const act of listeners) act();
}

/** A name as a label: "dark-haired_man" reads "Dark haired man". */
export function labelled(name: string): string {
  const words = name.replace(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
