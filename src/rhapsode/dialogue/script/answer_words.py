"""How people answer "did you mean A or B?" and how they ask on, in the languages of the fallback lines."""

from __future__ import annotations

from collections.abc import Mapping

YES: Mapping[str, str] = {
    "en": "yes|yeah|yep|yes please|right|exactly|correct|sure|okay|ok|that one|yes that one",
    "zh": "是|是的|对|对的|没错|嗯|好|好的|就是这个|对就是这个",
    "ja": "はい|ええ|うん|そうです|そう|はいそうです|お願いします",
    "ko": "네|예|응|맞아요|맞습니다|그래요|네 맞아요",
    "es": "sí|si|claro|exacto|correcto|eso|eso es|sí por favor|vale",
    "fr": "oui|ouais|exactement|c'est ça|oui s'il vous plaît|d'accord",
    "de": "ja|genau|richtig|stimmt|ja bitte|ja genau|okay",
    "it": "sì|si|esatto|giusto|certo|sì grazie|va bene",
    "pt": "sim|isso|exato|exatamente|certo|claro|sim por favor",
    "hi": "हाँ|हां|जी|जी हाँ|जी हां|सही|बिल्कुल",
    "ru": "да|ага|верно|точно|правильно|да пожалуйста|конечно",
    "nl": "ja|precies|klopt|juist|ja graag|oké",
}
"""Agreement."""

NO: Mapping[str, str] = {
    "en": "no|nope|neither|none|none of them|no thanks|no neither|neither of them|something else|not that",
    "zh": "不|不是|不对|都不是|没有|不是的|都不对|别的",
    "ja": "いいえ|いや|違います|ちがいます|どちらでもない|どれでもない",
    "ko": "아니요|아니오|아니|둘 다 아니에요|아닙니다",
    "es": "no|ninguna|ninguno|ninguna de las dos|no gracias|otra cosa",
    "fr": "non|aucune|aucun|ni l'un ni l'autre|non merci|autre chose",
    "de": "nein|nee|keins|keins von beiden|weder noch|nein danke|etwas anderes",
    "it": "no|nessuna|nessuno|nessuna delle due|no grazie|altro",
    "pt": "não|nenhuma|nenhum|nenhuma das duas|não obrigado|outra coisa",
    "hi": "नहीं|जी नहीं|कोई नहीं|दोनों नहीं",
    "ru": "нет|ни то ни другое|ничего из этого|нет спасибо|другое",
    "nl": "nee|geen van beide|geen|nee bedankt|iets anders",
}
"""Refusal."""

NTH: Mapping[str, tuple[str, str, str, str]] = {
    "en": (
        "first|former|first one|number one",
        "second|second one|number two",
        "third|number three",
        "last|latter",
    ),
    "zh": ("第一个|第一|前者|前面那个|前一个", "第二个|第二", "第三个|第三", "最后一个|后者|后面那个|后一个"),
    "ja": ("一つ目|最初|一番目|前者|1番", "二つ目|二番目|2番", "三つ目|三番目|3番", "最後|後者"),
    "ko": ("첫 번째|첫번째|처음|전자", "두 번째|두번째", "세 번째|세번째", "마지막|후자"),
    "es": ("primera|primero", "segunda|segundo", "tercera|tercero", "última|último"),
    "fr": ("première|premier", "deuxième|seconde|second", "troisième", "dernière|dernier"),
    "de": (
        "erste|ersten|erstes|ersteres",
        "zweite|zweiten|zweites",
        "dritte|dritten|drittes",
        "letzte|letztere",
    ),
    "it": ("prima|primo", "seconda|secondo", "terza|terzo", "ultima|ultimo"),
    "pt": ("primeira|primeiro", "segunda|segundo", "terceira|terceiro", "última|último"),
    "hi": ("पहला|पहली|पहले वाला", "दूसरा|दूसरी|दूसरे वाला", "तीसरा|तीसरी", "आखिरी|अंतिम"),
    "ru": ("первое|первый|первая", "второе|второй|вторая", "третье|третий|третья", "последнее|последний"),
    "nl": ("eerste", "tweede", "derde", "laatste"),
}
"""The first, the second, the third and the last."""

BESIDE: Mapping[str, str] = {
    "en": "the|one|please|i|mean|meant|want|question|option|no|yes|it|is|was|that|a|take|would|like|about",
    "zh": "那|个|一|请|我|要|是|的|问|想|说|不|对|选|吧|呢|啊|就|指",
    "ja": "です|の|を|は|ほう|方|お願いします|で|が|質問",
    "ko": "요|거|것|이요|거요|질문|주세요|로|이에요",
    "es": "la|el|lo|por|favor|pregunta|opción|quiero|decir|sí|no|una|de",
    "fr": "la|le|l|s'il|vous|plaît|question|option|je|veux|dire|oui|non|une|un|de",
    "de": "das|die|der|den|bitte|frage|ich|meine|ja|nein|eine|meinte|von|mit|um",
    "it": "la|il|lo|l|per|favore|domanda|voglio|dire|sì|no|una|di|quella|quello",
    "pt": "a|o|por|favor|pergunta|opção|quero|dizer|sim|não|uma|de",
    "hi": "वाला|वाली|वह|जी|हाँ|सवाल|कृपया|का|की|के",
    "ru": "пожалуйста|вопрос|да|нет|вариант|я|про|о|мне",
    "nl": "de|het|graag|alsjeblieft|alstublieft|vraag|ja|nee|een|ik|bedoel|die|van|over",
}
"""What may stand beside such words and tells nothing."""

ASKING_ON: Mapping[str, str] = {
    "en": "and what about|and how about|what about|how about|and|or|also|but",
    "zh": "那么|那|还有|另外",
    "ja": "では|じゃあ|それでは|で",
    "ko": "그럼|그러면|그리고",
    "es": "y|y qué tal|qué tal|pero",
    "fr": "et|et pour|mais",
    "de": "und|und wie ist es|wie ist es|aber|oder",
    "it": "e|e per|ma",
    "pt": "e|e quanto a|mas",
    "hi": "और|तो",
    "ru": "а|и|а как насчёт",
    "nl": "en|en hoe zit het met|maar",
}
"""How a question begins that leaves out what the one before has said."""

TAILS: Mapping[str, str] = {"zh": "呢", "ja": "は|はどうですか|はどう", "ko": "은요|는요|은|는"}
"""How such a question ends."""

WORDS = 4
"""Of such a question behind its beginning, at most; characters in Chinese and Japanese: `CHARACTERS`."""

CHARACTERS = 6

ANOTHER: Mapping[str, tuple[str, ...]] = {
    "en": ("All right. Please ask me in other words.", "I see. Then please say it in other words."),
    "zh": ("好的，请您换个说法再问我。", "明白了，您可以换句话说说看。"),
    "ja": ("わかりました。別の言い方でお尋ねください。",),
    "ko": ("알겠습니다. 다른 말로 다시 물어봐 주세요.",),
    "es": ("De acuerdo. Pregúntemelo con otras palabras, por favor.",),
    "fr": ("D'accord. Demandez-le-moi autrement, s'il vous plaît.",),
    "de": ("In Ordnung. Bitte fragen Sie mich mit anderen Worten.",),
    "it": ("Va bene. Me lo chieda con altre parole, per favore.",),
    "pt": ("Está bem. Pergunte-me com outras palavras, por favor.",),
    "hi": ("ठीक है। कृपया दूसरे शब्दों में पूछिए।",),
    "ru": ("Хорошо. Спросите, пожалуйста, другими словами.",),
    "nl": ("Goed. Vraag het me alstublieft in andere woorden.",),
}
"""What is said after a "no"."""
