"""Regular expressions of Go, as RE2 reads them (go/src/regexp/syntax/parse.go).

Both speak one language, but for the names of Unicode's classes: Go takes `\\p{letter}` for `\\p{L}` and knows
classes of its own since 1.25, and has lost the scripts whose names hold an underscore. What both know by one
name is Unicode 15.0 to Go and 15.1 to RE2, which has 627 ideographs more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import re2

__all__ = ["InvalidClass", "re2_source"]


class InvalidClass(ValueError):
    """A class of characters that Go does not know; the text is that of RE2's errors."""


CATEGORIES = """
    C Cc Cf Cn Co Cs L Lc Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs
"""
SCRIPTS = """
    Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese
    Buhid Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari
    Dogra Duployan Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han
    Hangul Hanunoo Hatran Hebrew Hiragana Inherited Javanese Kaithi Kannada Katakana Kawi Kharoshthi Khmer
    Khojki Khudawadi Lao Latin Lepcha Limbu Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean
    Marchen Medefaidrin Miao Modi Mongolian Mro Multani Myanmar Nabataean Nandinagari Newa Nko Nushu Ogham
    Oriya Osage Osmanya Palmyrene Phoenician Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Sinhala
    Sogdian Soyombo Sundanese Syriac Tagalog Tagbanwa Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan
    Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Yezidi Yi
"""
"""Those of unicode.Scripts that Go still finds: it looks for Olditalic and Signwriting, and keeps Old_Italic
and SignWriting."""
LONG_NAMES = {
    "Casedletter": "Lc",
    "Closepunctuation": "Pe",
    "Combiningmark": "M",
    "Connectorpunctuation": "Pc",
    "Control": "Cc",
    "Currencysymbol": "Sc",
    "Dashpunctuation": "Pd",
    "Decimalnumber": "Nd",
    "Enclosingmark": "Me",
    "Finalpunctuation": "Pf",
    "Format": "Cf",
    "Initialpunctuation": "Pi",
    "Letter": "L",
    "Letternumber": "Nl",
    "Lineseparator": "Zl",
    "Lowercaseletter": "Ll",
    "Mark": "M",
    "Mathsymbol": "Sm",
    "Modifierletter": "Lm",
    "Modifiersymbol": "Sk",
    "Nonspacingmark": "Mn",
    "Number": "N",
    "Openpunctuation": "Ps",
    "Other": "C",
    "Otherletter": "Lo",
    "Othernumber": "No",
    "Otherpunctuation": "Po",
    "Othersymbol": "So",
    "Paragraphseparator": "Zp",
    "Privateuse": "Co",
    "Punctuation": "P",
    "Separator": "Z",
    "Spaceseparator": "Zs",
    "Spacingmark": "Mc",
    "Surrogate": "Cs",
    "Symbol": "S",
    "Titlecaseletter": "Lt",
    "Unassigned": "Cn",
    "Uppercaseletter": "Lu",
    "Cntrl": "Cc",
    "Digit": "Nd",
    "Punct": "P",
}
"""unicode.CategoryAliases."""
NAMES: Mapping[str, str] = {
    **{name: name for name in (*CATEGORIES.split(), *SCRIPTS.split(), "Any", "Ascii", "Assigned")},
    **LONG_NAMES,
}
"""The classes of Go by the names it looks them up by."""

PRINTED = r"\pL\pM\pN\pP\pS\pZ"
OTHERS = r"\p{Cc}\p{Cf}\p{Co}\p{Cs}"
CASED = r"\p{Lu}\p{Ll}\p{Lt}"
ASSIGNED = PRINTED + OTHERS


@cache
def _unassigned() -> str:
    """Every character that is no other class's, as ranges: RE2 has no name for them."""
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    found = (match.span() for match in re2.finditer(f"[^{ASSIGNED}]+", everything))
    return "".join(_range(everything[start], everything[end - 1]) for start, end in found)


def _range(first: str, last: str) -> str:
    return rf"\x{{{ord(first):x}}}-\x{{{ord(last):x}}}"


UNASSIGNED = r"\p{Cn}"
"""Stands for these ranges."""
ALONE: Mapping[str, tuple[str, str]] = {
    "Ascii": (r"[\x00-\x7f]", r"[^\x00-\x7f]"),
    "Assigned": (f"[{ASSIGNED}]", f"[^{ASSIGNED}]"),
    "Cn": (f"[^{ASSIGNED}]", f"[{ASSIGNED}]"),
    "C": (f"[^{PRINTED}]", f"[{PRINTED}]"),
    "Lc": (f"[{CASED}]", f"[^{CASED}]"),
}
"""Classes that RE2 has not, or has otherwise, and all else."""
BRACKETED: Mapping[str, tuple[str, str]] = {
    "Ascii": (r"\x00-\x7f", r"\x{80}-\x{10ffff}"),
    "Assigned": (ASSIGNED, UNASSIGNED),
    "Cn": (UNASSIGNED, ASSIGNED),
    "C": (OTHERS + UNASSIGNED, PRINTED),
    "Lc": (CASED, rf"\p{{Lm}}\p{{Lo}}\pM\pN\pP\pS\pZ{OTHERS}{UNASSIGNED}"),
}
"""The same within brackets, where nothing can be said to be all else."""

UNICODE_CLASS = r"\\[pP](?:\{[^}]*\}|[^{])"
OUTSIDE = re.compile(rf"\\Q.*?(?:\\E|\Z)|(?P<class>{UNICODE_CLASS})|\\.|(?P<opening>\[\^?\]?)", re.DOTALL)
INSIDE = re.compile(rf"\[:\^?\w+:\]|(?P<class>{UNICODE_CLASS})|\\.|(?P<closing>\])", re.DOTALL)


def re2_source(text: str) -> str:
    """A pattern of Go, for RE2; raise `InvalidClass`. What else is wrong with it RE2 finds."""
    return "".join(_pieces(text)) if "\\p" in text or "\\P" in text else text


def _pieces(text: str) -> Iterator[str]:
    position, inside = 0, False
    while found := (INSIDE if inside else OUTSIDE).search(text, position):
        yield text[position : found.start()]
        position = found.end()
        yield _class(found.group(), inside=inside) if found.group("class") else found.group()
        if found.lastgroup in ("opening", "closing"):
            inside = not inside
    yield text[position:]


def _class(written: str, *, inside: bool) -> str:
    """`\\p{^name}` or `\\PN` as RE2 knows it."""
    name = written[3:-1] if written[2] == "{" else written[2]
    negated = (written[1] == "P") is not name.startswith("^")
    found = NAMES.get(_canonical(name.removeprefix("^")))
    if found is None:
        raise InvalidClass(f"invalid character class range: {written}")
    if found not in ALONE:
        return rf"\{'P' if negated else 'p'}{{{found}}}"
    shown = (BRACKETED if inside else ALONE)[found][negated]
    return shown.replace(UNASSIGNED, _unassigned()) if UNASSIGNED in shown else shown


def _canonical(name: str) -> str:
    """A name as Go looks it up: a capital, then small letters, no underscores, hyphens and blanks."""
    return re.sub("[-_ ]", "", name).capitalize() if name.isascii() else ""
