# SPDX-License-Identifier: Apache-2.0
"""Made-up lines of text: many scripts, emoji, code, blanks, control characters, numbers, what tokenizers treat in a special way."""
import random
import unicodedata

SCRIPTS = {  # ranges of letters, as they are mixed into words
    "latin": "abcdefghijklmnopqrstuvwxyz", "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "accents": "àáâãäåæçèéêëìíîïñòóôõöøùúûüýþÿßąćęłńśźżőűđħıİſﬁﬀǅ",
    "greek": "αβγδεζηθικλμνξοπρσςτυφχψωΑΒΓΔΣΩάέήίόύώ", "cyrillic": "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЁёїієґ",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשתםןץףך", "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئةىپچژگی", "devanagari": "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसहािीुूेैोौं्",
    "bengali": "অআইঈউঊএঐকখগঘচছজঝটঠডঢণতথদধনপফবভমযরলশষসহািীুূেৈো্", "tamil": "அஆஇஈஉஊஎஏஐஒகஙசஞடணதநபமயரலவழளறனாிீுூெேை்", "thai": "กขคงจฉชซดตถทธนบปผพฟมยรลวสหอฮะาิีึืุูเแโใไำ่้๊๋",
    "hangul": "가각간갇갈감갑값갓강같개객거건걸검겁게고곡공과관교구국군굴궁권규그근글금급기김나난날남", "jamo": "ᄀᄂᄃ라ᅣᅥᅧᆨᆫᆯ", "hiragana": "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをんがぎぐ",
    "katakana": "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンガギグーｱｲｳｶﾞ", "han": "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言权往展该领传近留红治决周保达办运武半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党倒未持取设始版双历越史商千片容研像找友孩站广改议形委早房音火际则首单据导影失拿网香似斯专石若兵弟谁校读志飞观争究包组造落视济喜离虽坏兴切",
    "georgian": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ", "armenian": "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆև", "khmer": "កខគឃងចឆជឈញដឋឌឍណតថទធនបផពភមយរលវសហឡអាិីឹឺុូ្", "ethiopic": "ሀሁሂሃሄህሆለሉሊላሌልሎመሙሚማሜምሞ",
    "marks": "e\u0301a\u0308o\u0302\u0323n\u0303c\u0327u\u031b\u0301A\u030a", "math": "𝐀𝐁𝒞𝔇𝕏𝟘𝟙ℂℝℵ∀∃∑∫√∞≠≤", "wide": "ＡＢＣａｂｃ１２３！？（）～", "rare": "\U0001d4d0\U00010330\U00010380ǆﬃ㎏Å№ºª½²①Ⅷ",
}
WORDS = """the of and to in is was it for on that with as at by from he she they we you I'm don't it's we've they'll I'd you're can't 'tis O'Brien
Once upon a time there was a cat who lived in the house GPT Python C++ HELLO World McDonald iPhone XMLHttpRequest snake_case camelCase kebab-case
naïve café Straße ΟΔΥΣΣΕΥΣ ΣΑΣ İstanbul DON'T IT'S We'Ve 'S 'ſ it’s l'été qu'il rock'n'roll http://example.org/a?b=c&d=%20 me@example.com
1st 2nd 3.14159 1,000,000 -42 0x1F 1e-10 50% $9.99 €20 12:34:56 2024-01-31 v1.2.3 #tag @name ... !!! ?! -- --- <= => == != && || ::""".split()
EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "❤️", "1️⃣", "👩🏿‍💻", "🧑‍🚀", "☃", "✈️", "🤷‍♂️"]
DIGITS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９", "৪৫৬", "๑๒๓", "ⅠⅡⅢⅣ", "①②③", "½¼¾", "²³¹", "一二三"]
BLANKS = [" ", "  ", "   ", "        ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", " \t ", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\u1680",
          "\u200b", "\u180e", "\ufeff", "\x0b", "\x0c", "\u202f", "\u205f", "\u2009\u2009"]
CONTROLS = ["\x00", "\x01", "\x07", "\x1b[31m", "\x7f", "\x80", "\x9f", "\u00ad", "\u200c", "\u200d", "\u200e", "\u202a", "\u2060", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\ue000",
            "\u0378", "\U000e0001"]
CODE = ["def f(x):\n    return x**2\n", "if (a[i] != 0) { b += c->d; }", "#include <stdio.h>\nint main(void)\n{\n\treturn 0;\n}\n", "SELECT * FROM t WHERE a='b';", "<div class=\"x\">&nbsp;</div>",
        "{\"key\": [1, 2.5, null, true]}", "for i in range(10):\n\tprint(f'{i:>3}')", "a = b ? c : d; // done", "$x =~ s/\\s+/ /g;", "λx → y ∘ z", "\\begin{a}\\frac{1}{2}\\end{a}", "`code` **bold** _it_"]
SPECIAL = ["<s>", "</s>", "<unk>", "<pad>", "<mask>", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "[PAD]", "<|endoftext|>", "<|im_start|>user\n", "<|im_end|>", "<extra>", " <mask> ", "  <mask>", "x<mask>y", "<|im_sta",
           "Yesterday", "yesterdays", "tool", "tools <tool> x", "▁", "▁▁x", "##x", "</w>", "<0x41>", "``quoted''", "a ▁b", "Ġ", "éĠ"]


def word(rng):
    letters = SCRIPTS[rng.choice(list(SCRIPTS))]
    return "".join(rng.choice(letters) for _ in range(rng.randint(1, 12)))


def assigned(rng):
    """A character that Unicode 9, the oldest in use, has as today's has it."""
    while True:
        c = chr(rng.choice((rng.randrange(0x20, 0x3000), rng.randrange(0x20, 0xffff), rng.randrange(0x10000, 0x20000))))
        if unicodedata.category(c) not in ("Cn", "Cs", "Co") and unicodedata.ucd_3_2_0.category(c) == unicodedata.category(c):
            return c


def piece(rng):
    kind = rng.randrange(100)
    if kind < 40:
        return rng.choice(WORDS)
    if kind < 65:
        return word(rng)
    if kind < 70:
        return "".join(rng.choice(rng.choice(DIGITS)) for _ in range(rng.randint(1, 9)))
    if kind < 75:
        return rng.choice(EMOJI) * rng.randint(1, 3)
    if kind < 79:
        return rng.choice(CODE)
    if kind < 83:
        return rng.choice(SPECIAL)
    if kind < 86:
        return rng.choice(CONTROLS)
    if kind < 90:
        return "".join(rng.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¿«»“”‘’„…–—。、，！？؟।") for _ in range(rng.randint(1, 6)))
    if kind < 94:
        return "".join(assigned(rng) for _ in range(rng.randint(1, 8)))
    return rng.choice(WORDS) + rng.choice((",", ".", "!", "?", "'s", ";", ":"))


def line(rng):
    out = [rng.choice(BLANKS)] if rng.random() < 0.2 else []
    for _ in range(rng.randint(0, 14)):
        out += [piece(rng), " " if rng.random() < 0.7 else rng.choice(BLANKS) if rng.random() < 0.6 else ""]
    return "".join(out)


def lines(nr, seed=1):
    rng = random.Random(seed)
    fixed = ["", " ", "  ", "\n", "a", " a", "a ", "x" * 3000, "ab" * 2000, " " * 2000, " " * 1000 + "x", "\n" * 500, "é" * 1000, "的" * 1500, "ñ́" * 300, "1" * 1000, "'" * 300, "😀" * 400,
             "A" * 700 + "b", "a\u0301" * 500, "\ufefftext", "text\ufeff", "ΣΑΣ ΟΔΟΣ. ΑΣ", "ÅÅÅ", "가각 각", "\r\n\r\n x\r\n"]
    return fixed + [line(rng) for _ in range(nr - len(fixed))]


def prose(nr, seed=2):
    """What tokenizers are trained on: words that come again."""
    rng = random.Random(seed)
    known = WORDS + [word(rng) for _ in range(600)] + EMOJI + CODE
    return [" ".join(known[min(int(rng.expovariate(1 / 120)), len(known) - 1)] for _ in range(rng.randint(3, 20))) for _ in range(nr)]
