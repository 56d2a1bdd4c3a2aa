/** What the page says, in English and Chinese. */

import { language } from "../strings.ts";

const EN = {
  title: "Conversations",
  home: "To the stage",
  views: { list: "Conversations", unanswered: "Unanswered", latency: "Latency" } as Record<string, string>,
  nav: "Views",
  search: "Search questions and answers",
  more: "More",
  none: "No conversations.",
  noneFound: "Nothing holds these words.",
  notKept: "Conversations are not kept at present. The setting remember.conversations keeps those that follow.",
  choose: "Choose a conversation to read it.",
  counted: (shown: number, total: number) => `${shown} of ${total}`,
  turns: (count: number) => `${count} ${count === 1 ? "turn" : "turns"}`,
  lacking: (count: number) => `${count} unanswered`,
  withSound: "with sound",
  person: "Person",
  answer: "Answer",
  spoken: "spoken",
  written: "written",
  interrupted: "interrupted",
  meant: "It was to say",
  fallback: "no answer of its own",
  sources: { script: "Script", model: "Model", fallback: "Fallback" } as Record<string, string>,
  moments: { felt: "Feels", gesture: "Gesture", shown: "Shown", suggested: "Offered", fault: "Fault" } as Record<string, string>,
  listenUser: "What the person said",
  listenAnswer: "What was answered",
  export: "Save as",
  remove: "Delete",
  removePerson: "Delete all of this person",
  sure: "Delete this conversation for good?",
  surePerson: (name: string) => `Delete all conversations of ${name} for good?`,
  sureHint: "Text and sound are overwritten in the database. This cannot be undone.",
  keep: "Keep",
  removed: (count: number) => (count === 1 ? "One conversation is deleted." : `${count} conversations are deleted.`),
  back: "Back to the list",
  days: (count: number) => `Kept for ${count} days after the last word.`,
  unansweredHint: (days: number) => `Questions of the last ${days} days that a fallback answered, “did you mean” among them. Write them into the script.`,
  noneUnanswered: "Every question had an answer.",
  question: "Question",
  count: "Asked",
  last: "Last",
  reason: "Why",
  suggested: "did you mean",
  read: "Read",
  latencyHint: (days: number) => `From the end of a person's speech to the first sound of the answer, last ${days} days.`,
  latencyWritten: (days: number) => `From a written question to the first sound of the answer, last ${days} days.`,
  noLatency: "No answer was timed yet.",
  stage: "Stage",
  p50: "Median",
  p95: "95 of 100 are below",
  stages: { total: "Whole", turn_end: "End of turn", recognise: "Recognise", think: "Think", speak: "Voice", perform: "Perform", rest: "Other" } as Record<string, string>,
  chart: (count: number) => `Latency of the newest ${count} turns, milliseconds`,
};

const ZH: typeof EN = {
  title: "对话记录",
  home: "回到舞台",
  views: { list: "对话", unanswered: "未能回答", latency: "延迟" },
  nav: "视图",
  search: "搜索问题和回答",
  more: "更多",
  none: "没有对话。",
  noneFound: "没有包含这些词的对话。",
  notKept: "目前不保存对话。打开设置 remember.conversations 后，新的对话会被保存。",
  choose: "选择一段对话来阅读。",
  counted: (shown, total) => `${shown} / ${total}`,
  turns: (count) => `${count} 轮`,
  lacking: (count) => `${count} 个未能回答`,
  withSound: "有录音",
  person: "对方",
  answer: "回答",
  spoken: "语音",
  written: "文字",
  interrupted: "被打断",
  meant: "原本要说",
  fallback: "没有合适的回答",
  sources: { script: "脚本", model: "模型", fallback: "兜底" },
  moments: { felt: "情绪", gesture: "动作", shown: "展示", suggested: "建议的问题", fault: "故障" },
  listenUser: "对方所说",
  listenAnswer: "所作回答",
  export: "另存为",
  remove: "删除",
  removePerson: "删除此人的全部对话",
  sure: "永久删除这段对话？",
  surePerson: (name) => `永久删除 ${name} 的全部对话？`,
  sureHint: "数据库中的文字和录音会被覆盖，无法恢复。",
  keep: "保留",
  removed: (count) => `已删除 ${count} 段对话。`,
  back: "返回列表",
  days: (count) => `最后一句话之后保存 ${count} 天。`,
  unansweredHint: (days) => `最近 ${days} 天里由兜底回答的问题，包括以“您是想问”回应的。可以把它们写进脚本。`,
  noneUnanswered: "所有问题都得到了回答。",
  question: "问题",
  count: "次数",
  last: "最近",
  reason: "原因",
  suggested: "您是想问",
  read: "阅读",
  latencyHint: (days) => `从对方说完到听见回答的第一个声音，最近 ${days} 天。`,
  latencyWritten: (days) => `从写下问题到听见回答的第一个声音，最近 ${days} 天。`,
  noLatency: "还没有测到延迟。",
  stage: "阶段",
  p50: "中位数",
  p95: "95% 低于",
  stages: { total: "全程", turn_end: "判断说完", recognise: "识别", think: "思考", speak: "语音", perform: "表演", rest: "其他" },
  chart: (count) => `最近 ${count} 轮的延迟，毫秒`,
};

/** The words of the language chosen. */
export function words(): typeof EN {
  return language === "zh" ? ZH : EN;
}

/** A time as people of the language write it. */
export function shown(time: string, long = false): string {
  const tag = language === "zh" ? "zh-CN" : "en-GB";
  return new Date(time).toLocaleString(tag, long ? { dateStyle: "medium", timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
}

/** The time of a day alone. */
export function clock(time: string): string {
  return new Date(time).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", { timeStyle: "medium" });
}

export function milliseconds(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${Math.round(value)} ms`;
}
