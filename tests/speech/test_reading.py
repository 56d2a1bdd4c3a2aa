"""Numbers, dates, times, money, units, telephone numbers and signs as they are said."""

from __future__ import annotations

import pytest

from rhapsode.speech.lines import Line
from rhapsode.speech.reading.chinese_numbers import cardinal, number
from rhapsode.speech.reading.say_as import said_as

pytest.importorskip("misaki", reason="the extra 'voices' is not installed")

from rhapsode.speech.reading.chinese import spoken as chinese
from rhapsode.speech.reading.english import normalize as english


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("我用 Python 3.11 写了 2 个 API。", "我用 Python三点一一 写了 两 个 API。"),
        ("今天是2024年3月5日。", "今天是二零二四年三月五日。"),
        ("2024-03-05 14:30", "二零二四年三月五日 十四点三十分"),
        ("20世纪90年代，1998—2003年", "二十世纪九十年代，一九九八到二零零三年"),
        ("从8:00到17:05", "从八点到十七点零五分"),
        ("2:30见", "两点三十分见"),
        ("比分3:1", "比分三比一"),
        ("票价¥12.50，学生价5元", "票价十二点五元，学生价五元"),
        ("$1,200和2美元", "一千二百美元和两美元"),
        ("增长3.5%，占10%-20%", "增长百分之三点五，占百分之十到百分之二十"),
        ("-3℃到25°C", "零下三摄氏度到二十五摄氏度"),
        ("拨打110或13812345678", "拨打幺幺零或幺三八幺二三四五六七八"),
        ("010-65529988", "零幺零六五五二九九八八"),
        ("距离5km，重2kg，120km/h", "距离五公里，重两千克，一百二十公里每小时"),
        ("2位，第2名，2年级，22个", "两位，第二名，二年级，二十二个"),
        ("3-5天，20～30人", "三到五天，二十到三十人"),
        ("概率1/2", "概率二分之一"),
        ("3+5=8，10-2=8", "三加五等于八，十减二等于八"),
        ("版本2.0.1", "版本二点零点一"),
        ("房间0203", "房间零二零三"),
        ("GPT-4和5G", "GPT四和五G"),
        ("ＡＰＩ１２％", "API百分之十二"),
        ("温度是-5", "温度是负五"),
        ("见www.example.com，谢谢", "见W W W dot example dot com，谢谢"),
    ],
)
def test_mandarin(written: str, said: str) -> None:
    assert chinese(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs $12.50.", "It costs 12 dollars and 50 cents."),
        ("$5, 20 people", "5 dollars, 20 people"),
        ("$0.99, £1.01, €3.5M, 30 USD", "99 cents, 1 pound and 1 penny, 3.5 million euros, 30 US dollars"),
        ("50% or 20-30%", "50% or 20 to 30 percent"),
        ("On 2024-03-05 at 7:05 am", "On March fifth, 2024 at seven oh five A.M."),
        ("Mon-Fri, 8:30–12:15", "Monday to Friday, eight thirty to twelve fifteen"),
        ("10am - 5pm", "10am to 5pm"),
        ("Call +1 (555) 123-4567.", "Call plus 1, 5 5 5, 1 2 3, 4 5 6 7."),
        ("1-800-555-0199", "1, 8 0 0, 5 5 5, 0 1 9 9"),
        ("-5 or -12°C", "minus 5 or minus 12 degrees Celsius"),
        ("5 km at 3 m/s, 80 m²", "5 kilometers at 3 meters per second, 80 square meters"),
        ("the 100th and 21st", "the one hundredth and 21st"),
        ("2 1/2 cups, 3½", "2 and a half cups, 3 and a half"),
        ("v2.0.1 and 007", "version 2 point 0 point 1 and zero zero 7"),
        ("24/7, 2x, 10k users, 5 x 3", "24 7, 2 times, 10 thousand users, 5 times 3"),
        ("www.example.com/a or me@example.com", "W W W dot example dot com slash a or me at example dot com"),
        ("Dr. Lee, St. Mary St., approx. 5", "Doctor Lee, Saint Mary Street, approximately 5"),
        ("x >= 10, CO2, 5'10\"", "x at least 10, C O 2, 5 foot 10"),
        ("Henry VIII, No. 5", "Henry the eighth, Number 5"),
    ],
)
def test_english(written: str, said: str) -> None:
    assert english(written).replace("Dr ", "Doctor ") == said


def test_numbers_in_mandarin() -> None:
    table = {
        "0": "零", "10": "十", "11": "十一", "20": "二十", "100": "一百", "101": "一百零一",
        "110": "一百一十", "1000": "一千", "1010": "一千零一十", "2002": "两千零二", "10000": "一万",
        "10001": "一万零一", "120000": "十二万", "1000000": "一百万", "100000000": "一亿",
        "100000001": "一亿零一", "1234567": "一百二十三万四千五百六十七", "20002000": "两千万两千",
        "-7": "负七", "1,024": "一千零二十四",
    }  # fmt: skip
    assert {written: cardinal(written) for written in table} == table
    assert number("0.50") == "零点五零"


@pytest.mark.slow
def test_readings_know_their_written_word() -> None:
    from rhapsode.speech.reading.chinese import ChineseReader

    def spell(text: str) -> Line:
        from rhapsode.speech.lines import Reading

        return Line([Reading("x", 0)], [text])

    class Everything:
        def __contains__(self, symbol: object) -> bool:
            return True

    line = ChineseReader(Everything(), spell).read("他说：“用 API 3.11 版，占50%！”")
    assert line.written == ["他", "说：", "“用", "API", "3.11", "版，", "占", "50%！”"]
    homes = [reading.word for reading in line.readings]
    assert homes == sorted(homes)
    assert set(homes) == set(range(len(line.written)))


def test_spelled_words_are_one_word_of_many_letters() -> None:
    from hibari.g2p import G2P

    from rhapsode.speech.reading.chinese import ChineseReader
    from rhapsode.speech.reading.english import EnglishReader

    known = "pˈiˌAIʤtsljuɛnæəbfk "
    line = ChineseReader(known, EnglishReader(G2P(), known).read).read("API和NASA")
    assert line.written == ["API", "和", "NASA"]
    assert [(reading.symbols, reading.word) for reading in line.readings][:3] == [
        ("ˈA", 0),
        ("pˈi", 0),
        ("ˈI", 0),
    ]
    assert line.readings[-1].word == 2


def test_say_as() -> None:
    assert said_as("abc1", "characters", "", "") == "A B C 1"
    assert said_as("2024", "digits", "", "") == "2 0 2 4"
    assert said_as("5/3/2024", "date", "dmy", "") == "2024-03-05"
    assert said_as("22", "ordinal", "", "en") == "22nd"
    assert said_as("12", "ordinal", "", "zh-CN") == "第12"
    assert said_as("soon", "date", "dmy", "") == "soon"
