/** What the page says, by language. */

const ENGLISH = {
  placeholder: "Write something to say…",
  text: "Text to speak",
  speak: "Speak",
  stop: "Stop",
  samples: "Sample recordings",
  avatar: "Avatar",
  style: "Style",
  emotion: "Emotion",
  amount: "Strength of the emotion",
  volume: "Volume",
  connecting: "Connecting…",
  open: "Connected",
  lost: "Connection lost, trying again…",
  loading: "Setting the stage…",
  preparing: "Preparing…",
  error: (ms: string) => `lips to sound ${ms} ms`,
  errorHint: "How far the face shown is from the sound heard, measured on this screen",
  view: "A speaking avatar",
  noSound: "This browser allows sound only on localhost or over https; open the page that way.",
  noAvatar: "The avatar could not be loaded",
  noGraphics: "This browser cannot draw in 3D (WebGL 2 is missing or turned off).",
  styles: { natural: "Natural", serious: "Serious", lively: "Lively", cartoon: "Cartoon" } as Record<string, string>,
  emotions: {
    "": "No emotion",
    auto: "From the voice",
    outofbreath: "Out of breath",
  } as Record<string, string>,
};

const CHINESE: typeof ENGLISH = {
  placeholder: "写点什么，让我说出来…",
  text: "要说的文字",
  speak: "说话",
  stop: "停止",
  samples: "示例录音",
  avatar: "角色",
  style: "风格",
  emotion: "情绪",
  amount: "情绪强度",
  volume: "音量",
  connecting: "正在连接…",
  open: "已连接",
  lost: "连接已断开，正在重试…",
  loading: "正在布置舞台…",
  preparing: "正在准备…",
  error: (ms) => `口型与声音相差 ${ms} 毫秒`,
  errorHint: "画面中的口型与听到的声音之间的偏差，在本机屏幕上测得",
  view: "会说话的虚拟角色",
  noSound: "浏览器只在 localhost 或 https 页面上允许播放声音，请用这样的地址打开。",
  noAvatar: "无法加载角色",
  noGraphics: "此浏览器无法绘制三维画面（WebGL 2 缺失或已关闭）。",
  styles: { natural: "自然", serious: "严肃", lively: "活泼", cartoon: "卡通" },
  emotions: {
    "": "无情绪",
    auto: "随声音",
    amazement: "惊讶",
    anger: "愤怒",
    cheekiness: "调皮",
    disgust: "厌恶",
    fear: "害怕",
    grief: "悲痛",
    joy: "喜悦",
    outofbreath: "气喘",
    pain: "痛苦",
    sadness: "悲伤",
  },
};

export const language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
export const strings = language === "zh" ? CHINESE : ENGLISH;

/** A name as a label: "dark-haired_man" reads "Dark haired man". */
export function labelled(name: string): string {
  const words = name.replace(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
