"""What is said for dates, times, money, units, telephone numbers and signs in Mandarin text."""

from __future__ import annotations

import re

from rhapsode.speech.reading.chinese_numbers import cardinal, digits, number
from rhapsode.speech.reading.rules import Rule

_NUM = r"\d+(?:,\d{3})*(?:\.\d+)?"
_TO = r"\s?[-–—~～至到]\s?"
_NO_NUM = r"(?<![\d.A-Za-z_])"
_MONEY = {
    "US$": "美元", "HK$": "港元", "NT$": "新台币", "$": "美元", "€": "欧元", "£": "英镑", "¥": "元",
    "￥": "元", "₩": "韩元", "₹": "卢比", "RMB": "元", "CNY": "元", "USD": "美元", "EUR": "欧元",
    "JPY": "日元", "GBP": "英镑",
}  # fmt: skip
_UNITS = {
    "km/h": "公里每小时", "m/s": "米每秒", "km²": "平方公里", "km2": "平方公里", "m²": "平方米",
    "㎡": "平方米", "m2": "平方米", "m³": "立方米", "m3": "立方米", "km": "公里", "cm": "厘米",
    "mm": "毫米", "nm": "纳米", "m": "米", "kg": "千克", "mg": "毫克", "g": "克", "ml": "毫升",
    "mL": "毫升", "L": "升", "kWh": "千瓦时", "kW": "千瓦", "W": "瓦", "V": "伏", "Hz": "赫兹",
    "kHz": "千赫", "MHz": "兆赫", "GHz": "吉赫", "dB": "分贝", "fps": "帧每秒", "ms": "毫秒", "s": "秒",
    "min": "分钟", "h": "小时", "KB": "KB", "MB": "MB", "GB": "GB", "TB": "TB",
}  # fmt: skip
_COUNTED = (
    "个 位 名 只 本 张 条 件 次 天 周 年 小时 分钟 秒 岁 米 公里 千克 公斤 块 "
    "元 杯 家 座 辆 台 部 种 套 双 句 段 篇 首 场 口 头 匹 棵 朵 把 支 瓶 "
    "碗 份 点 倍 遍 趟 门 间 所 项 斤 吨 人 排 层 盏 幅 根 颗 片 架 艘 封 "
    "顿 桌 栋 幢 扇 步 声 下 半 百 千 万 亿 厘米 毫米 毫升 升 克 美元 欧元 英镑 "
    "港元"
)
_NOT_COUNTED = "年级 月 号 楼 点零 层楼 年代"
_SERVICE = "110 112 114 119 120 122 911 999 10000 10010 10086 12110 12306 12315 12345 12348 95588"


def _alt(words: str | dict[str, str]) -> str:
    listed = words.split() if isinstance(words, str) else list(words)
    return "|".join(re.escape(word) for word in sorted(listed, key=len, reverse=True))


def _date(year: str, month: str, day: str) -> str | None:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    return f"{digits(year)}年{cardinal(month)}月{cardinal(day)}日"


def _clock(hour: str, minute: str, second: str | None) -> str | None:
    if int(hour) > 24 or int(minute) > 59:
        return None
    said = ("两" if int(hour) == 2 else cardinal(hour)) + "点"
    if int(minute):
        said += ("零" if int(minute) < 10 else "") + cardinal(minute) + "分"
    return said + (cardinal(second) + "秒" if second else "")


def _counted(text: str) -> str:
    """Return a number before what is counted: 2 is 两 there."""
    return "两" if text == "2" else number(text)


def _amount(text: str) -> str:
    """Return an amount of money; noughts behind the point are not said."""
    return _counted(text.rstrip("0").rstrip(".") if "." in text else text)


def _range(match: re.Match[str]) -> str:
    return f"{number(match[1])}到{number(match[2])}"


def _long(match: re.Match[str]) -> str | None:
    found = match[0]
    plain = found.replace(",", "")
    if "," not in found and "." not in found and (len(plain) > 9 or (len(plain) > 1 and plain[0] == "0")):
        return digits(found, one="幺" if len(plain) > 9 else "一")
    return number(found)


def _phone(match: re.Match[str]) -> str:
    plus = "加" if match[0].startswith("+") else ""
    return plus + digits(match[0], one="幺")


_OPERATORS = {"+": "加", "-": "减", "−": "减", "×": "乘", "x": "乘", "*": "乘", "÷": "除以", "=": "等于"}
_SIGNS = {
    "&": "和", "%": "百分号", "°": "度", "№": "号", "≈": "约等于", "≥": "大于等于", "≤": "小于等于",
    ">": "大于", "<": "小于", "=": "等于", "+": "加", "×": "乘", "÷": "除以", "~": "到", "～": "到",
}  # fmt: skip

RULES: tuple[Rule, ...] = (
    (
        re.compile(rf"{_NO_NUM}(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?![\d.])"),
        lambda m: _date(m[1], m[2], m[3]),
    ),
    (
        re.compile(rf"{_NO_NUM}(\d{{4}}){_TO}(\d{{4}})\s?年"),
        lambda m: f"{digits(m[1])}到{digits(m[2])}年",
    ),
    (re.compile(rf"{_NO_NUM}(\d{{4}}|(?<!\d)\d{{2}}(?=年代))\s?(年代?)"), lambda m: _year(m[1]) + m[2]),
    (re.compile(rf"{_NO_NUM}(\d{{1,2}})\s?月\s?(\d{{1,2}})\s?([日号])?"), lambda m: _month(m)),
    (
        re.compile(rf"{_NO_NUM}(\d{{1,2}})[:：](\d{{2}})(?:[:：](\d{{2}}))?(?![\d:：])"),
        lambda m: _clock(m[1], m[2], m[3]),
    ),
    (
        re.compile(rf"{_NO_NUM}(\d{{1,3}})[:：](\d{{1,3}})(?![\d:：])"),
        lambda m: f"{number(m[1])}比{number(m[2])}",
    ),
    (re.compile(r"(?<![\d.])(?:\+\s?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}(?!\d)"), _phone),
    (re.compile(r"(?<![\d.])\+\d[\d\s-]{7,17}\d(?!\d)"), _phone),
    (re.compile(r"(?<![\d.])\(?0\d{2,3}\)?[-\s]?\d{7,8}(?!\d)"), _phone),
    (re.compile(r"(?<![\d.])[48]00[-\s]?\d{3,4}[-\s]?\d{3,4}(?!\d)"), _phone),
    (
        re.compile(rf"((?:拨打?|打|电话|热线|致电|客服)[^\d，。]{{0,4}})(?P<it>{_alt(_SERVICE)})(?![\d.])"),
        lambda m: digits(m["it"], one="幺"),
    ),
    (
        re.compile(rf"({_alt(_MONEY)})\s?({_NUM})\s?([万亿]{{0,2}})(?:元|美元)?"),
        lambda m: f"{_amount(m[2])}{m[3]}{_MONEY[m[1]]}",
    ),
    (
        re.compile(rf"({_NUM})\s?(USD|EUR|JPY|GBP|RMB|CNY|€|£)(?![A-Za-z])"),
        lambda m: f"{_amount(m[1])}{_MONEY[m[2]]}",
    ),
    (
        re.compile(rf"({_NUM})[%％]{_TO}({_NUM})[%％]"),
        lambda m: f"百分之{number(m[1])}到百分之{number(m[2])}",
    ),
    (re.compile(rf"{_NO_NUM}({_NUM}){_TO}({_NUM})[%％]"), lambda m: f"百分之{number(m[1])}到{number(m[2])}"),
    (re.compile(rf"(?<![\d.])([-−]?{_NUM})\s?[%％]"), lambda m: _percent("百分之", m[1])),
    (re.compile(rf"(?<![\d.])([-−]?{_NUM})\s?‰"), lambda m: _percent("千分之", m[1])),
    (re.compile(rf"(?<![\d.])([-−])?({_NUM})\s?(℃|℉|°\s?[CF]?)"), lambda m: _degrees(m)),
    (
        re.compile(rf"{_NO_NUM}({_NUM})\s?({_alt(_UNITS)})(?![A-Za-z\d²³])"),
        lambda m: f"{_counted(m[1])}{_UNITS[m[2]]}",
    ),
    (
        re.compile(rf"{_NO_NUM}(\d{{1,3}})/(\d{{1,3}})(?![\d/])"),
        lambda m: f"{cardinal(m[2])}分之{cardinal(m[1])}" if int(m[1]) < int(m[2]) else None,
    ),
    (re.compile(rf"{_NO_NUM}({_NUM})\s?[-–—~～]\s?({_NUM})(?![\d./-]|\s?=)"), _range),
    (
        re.compile(rf"(?<=\d)\s?([{re.escape(''.join(_OPERATORS))}])\s?(?=[\d-])"),
        lambda m: _OPERATORS[m[1]],
    ),
    (re.compile(r"第\s?(\d+)"), lambda m: "第" + cardinal(m[1])),
    (re.compile(rf"{_NO_NUM}2(?=\s?(?!{_alt(_NOT_COUNTED)})(?:{_alt(_COUNTED)}))"), lambda _: "两"),
    (re.compile(rf"(?<=[A-Za-z])[-_ ]?({_NUM})"), lambda m: _behind_letters(m[1])),
    (re.compile(rf"(?<![\d.A-Za-z年月日号点时分)）])[-−]({_NUM})"), lambda m: "负" + number(m[1])),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}"), lambda m: "点".join(map(cardinal, m[0].split(".")))),
    (re.compile(_NUM), _long),
    (re.compile(f"[{re.escape(''.join(_SIGNS))}]"), lambda m: _SIGNS[m[0]]),
)
"""Earlier rules go first."""


def _year(text: str) -> str:
    return cardinal(text) if len(text) == 2 else digits(text)


def _month(match: re.Match[str]) -> str | None:
    if not (1 <= int(match[1]) <= 12 and 1 <= int(match[2]) <= 31):
        return None
    return f"{cardinal(match[1])}月{cardinal(match[2])}{match[3] or '日'}"


def _percent(name: str, text: str) -> str:
    sign = "负" if text[0] in "-−" else ""
    return sign + name + number(text.lstrip("-−"))


def _degrees(match: re.Match[str]) -> str:
    scale = match[3].replace(" ", "")
    named = {"℃": "摄氏度", "°C": "摄氏度", "℉": "华氏度", "°F": "华氏度"}.get(scale, "度")
    return ("零下" if match[1] else "") + number(match[2]) + named


def _behind_letters(text: str) -> str:
    """Return a number behind a name: short ones as a number, longer and versions digit by digit."""
    whole, point, behind = text.partition(".")
    said = cardinal(whole) if len(whole) < 3 and not whole.startswith("0") else digits(whole)
    return said + ("点" + digits(behind) if point else "")
