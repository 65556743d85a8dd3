"""Which findings a report asserts: rules on sentences, with negation and sides.

The extractor scores drafts of the demo world and is exact on its report language
(:mod:`inference.training.report_language`); on free radiology text it is a fair reader with known
limits:

- FINDINGS and IMPRESSION are read where the text has them, the whole text where it has no
  headings. A finding that any sentence asserts counts, even if another sentence denies it.
- Hedged findings ("possible", "may represent", "cannot be excluded") count as asserted.
- A side is looked for in the sentence of the finding only. An effusion or a pneumothorax without
  one is left out; "effusions" without one are on both sides.
- What merely suggests a finding does not count: a blunted costophrenic angle, vascular congestion,
  Kerley lines, heart failure, volume loss, "lines and tubes in position".
- Negation reaches from its cue to the end of the sentence or to a word that ends its scope ("but",
  "after", ", a small ..."); a rare phrasing beyond these rules is read as an assertion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from inference.training.findings import LABELS, Kind, Side


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE)


_HEADING: Final = re.compile(r"^[ \t]*([A-Z][A-Z /&]*):", re.MULTILINE)
_READ_SECTIONS: Final = frozenset({"FINDINGS", "IMPRESSION", "CONCLUSION", "OPINION"})
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s|$)|;|\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)]))")

_MENTIONS: Final[dict[Kind, re.Pattern[str]]] = {
    Kind.CARDIOMEGALY: _re(
        r"""\bcardiomegaly\b
        | \b(?:enlarged|enlargement\ of\ the)\ (?:heart|cardiac|cardiomediastinal)\b
        | \bcardiac\ enlargement\b
        | \b(?:heart|(?:cardiac|cardiomediastinal)\ (?:size|silhouette|contour))\b
          [^,;:]{0,40}?\b(?:enlarged|increased)\b"""
    ),
    Kind.EFFUSION: _re(
        r"""(?<!pericardial\ )(?<!joint\ )\beffusions?\b
        | \bhydropneumothorax\b | \bha?emothorax\b"""
    ),
    Kind.PNEUMOTHORAX: _re(r"\b(?:hydro)?pneumothora(?:x|ces)\b"),
    Kind.CONSOLIDATION: _re(
        r"""\bconsolidat(?:ions?|ive)\b | \b(?:broncho)?pneumonias?\b | \binfiltrates?\b
        | \bair-?\ ?space\ (?:opacity|opacities|opacification|disease)\b(?![^;]*\bo?edema)"""
    ),
    Kind.ATELECTASIS: _re(
        r"""\batelecta(?:sis|ses|tic)\b | \blob(?:ar|e)\ collapse\b
        | \bcollapse\ of\ the\ [^,;]*\blobe\b"""
    ),
    Kind.OEDEMA: _re(r"(?<!soft\ tissue\ )(?<!subcutaneous\ )\bo?edema(?:tous)?\b"),
    Kind.NODULE: _re(r"\bnodul(?:es?|ar\ opacit(?:y|ies))\b"),
    Kind.MASS: _re(r"\bmass(?:es)?\b(?!\ effect)"),
    Kind.HYPERINFLATION: _re(
        r"""\bhyper-?(?:inflat(?:ed|ion)|expan(?:ded|sion)|aerat(?:ed|ion))\b
        | (?<!subcutaneous\ )\bemphysema(?:tous)?\b
        | \bflatten(?:ed|ing\ of\ the)\ (?:hemi-?)?diaphragms?\b"""
    ),
    Kind.HIATAL_HERNIA: _re(r"\bhiat(?:al|us)\ hernias?\b"),
    Kind.RIB_FRACTURE: _re(
        r"\bfractur(?:es?|ed)\b[^;:]{0,60}?\bribs?\b | \bribs?\b[^,;:]{0,40}?\bfractur(?:es?|ed)\b"
    ),
    Kind.ENDOTRACHEAL_TUBE: _re(r"\b(?:endo)?tracheal\ tube\b | \bet\ tube\b | \bett\b"),
    Kind.CENTRAL_LINE: _re(
        r"""\bcentral\ (?:venous\ )?(?:lines?|catheters?)\b | \bpicc\b | \bport-?a-?cath\b | \bcvc\b
        | \b(?:jugular|ij|subclavian|dialysis)\ (?:central\ )?(?:venous\ )?
          (?:lines?|catheters?)\b"""
    ),
    Kind.PACEMAKER: _re(
        r"""\bpacemakers?\b | \bpacer\b | \bpacing\ (?:device|leads?|wires?)\b
        | \bicd\b | \bdefibrillator\b"""
    ),
    Kind.NASOGASTRIC_TUBE: _re(
        r"""\b(?:naso|oro)gastric\ tube\b | \b(?:enteric|feeding|ng|og)\ tube\b
        | \bngt\b | \bdobhoff\b"""
    ),
}

_NOT_NEGATIONS: Final = _re(
    r"""\b(?:no|without|not)\ (?:\w+\ ){0,2}?(?:changed?|increased?|decreased?|enlarging|excluded)
        (?:\ (?:in|of))?\b
    | \bcannot\ be\ (?:excluded|ruled\ out) | \bnot\ only\b
    | \b(?:partial(?:ly)?|incomplete(?:ly)?|not\ (?:yet\ )?(?:completely\ )?)\ ?
        resol(?:ved|ution\ of)\b"""
)
"""Phrases that hold a negating word and deny no finding."""

_BEFORE: Final = _re(
    r"""\b(?:no|not|without|never|neither|nor|denies)\b | \bfree\ of\b | \bclear\ of\b
    | \bnegative\ for\b | \babsen(?:ce\ of|t)\b | \brather\ than\b
    | \b(?:resolution|removal|clearing)\ of\b
    | (?<!has\ )(?<!have\ )(?<!been\ )(?<!is\ )\bresolved\b"""
)
"""Cues that deny what follows them."""

_AFTER: Final = _re(
    r"""\b(?:is|are|was|were)\ (?:now\ )?(?:not\ (?:\w+ly\ )?
        (?:seen|present|identified|visible|visuali[sz]ed|evident|appreciated|demonstrated|noted)
        |no\ longer|absent|excluded|ruled\ out|unlikely|resolved)\b
    | \b(?:not|no\ longer)\ (?:seen|present|identified|visible|visuali[sz]ed|evident)\b
    | \b(?:has|have)\ (?:now\ )?(?:been\ removed|resolved|cleared)\b
    | \b(?:been\ )?removed\b | \bexcluded\b | \bruled\ out\b"""
)
"""Cues that deny what stands before them."""

_RESTART: Final = r"""(?:,|\band\b|\bwith\b)\ +(?:and\ |with\ )?
    (?:there|the|an?|small|tiny|trace|moderate|large|mild|severe|persistent|unchanged|stable)\b
    (?![^;]*\b(?:or|nor)\b)"""
_ENDS_BEFORE: Final = _re(
    r"""\b(?:but|however|although|though|except|aside|apart|other\ than|yet|whereas|while|despite
        |after|following|status\ post|due\ to|secondary\ to|because|there\ (?:is|are))\b
    | """
    + _RESTART
)
"""What ends the scope of a cue that stands before a mention."""

_ENDS_AFTER: Final = _re(
    r"""\b(?:but|however|although|though|whereas|while|is|are|was|were|has|have|may|with)\b | ,"""
)
"""What, between a mention and a cue behind it, keeps the cue for another mention."""

_SIDES: Final = {
    "left": frozenset({Side.LEFT}),
    "right": frozenset({Side.RIGHT}),
    "left-sided": frozenset({Side.LEFT}),
    "right-sided": frozenset({Side.RIGHT}),
    "bilateral": frozenset(Side),
    "bilaterally": frozenset(Side),
    "both": frozenset(Side),
}
_SIDE_WORD: Final = re.compile(r"\b(?:left|right|bilateral(?:ly)?|both)\b")
_SIDE_BEHIND: Final = _re(
    r"""^\ (?:(?:is|are|was|remains?)\ )?(?:(?:also|again)\ )?(?:seen\ |present\ |noted\ )?
    (?:(?:on|at|in)\ (?:the\ )?)?(left|right|both|bilaterally)\b"""
)
_MODIFIERS: Final = frozenset(
    {
        *("small", "tiny", "trace", "minimal", "mild", "moderate", "moderate-sized", "large"),
        *("massive", "sizeable", "larger", "greater", "smaller", "than", "to", "and", "or"),
        *("apical", "basal", "basilar", "pleural", "loculated", "layering", "subpulmonic"),
        *("new", "old", "residual", "persistent", "stable", "unchanged", "known", "possible"),
        *("simple", "tension", "free"),
    }
)
"""Words that may stand between a side and the finding that it belongs to."""


def extract_labels(report: str) -> frozenset[str]:
    """The labels of :data:`~inference.training.findings.LABELS` that ``report`` asserts."""
    found: set[str] = set()
    for sentence in _sentences(report):
        for kind, pattern in _MENTIONS.items():
            for mention in pattern.finditer(sentence):
                if not _is_denied(sentence, mention):
                    found.update(_labels(kind, sentence, mention))
    return frozenset(found)


def _sentences(report: str) -> Iterator[str]:
    """Sentences in lower case and single spaces, with harmless "no"s taken out."""
    for body in _bodies(report):
        for sentence in _SENTENCE_END.split(body):
            flat = " ".join(sentence.lower().split())
            if flat:
                yield _NOT_NEGATIONS.sub("unchanged", flat)


def _bodies(report: str) -> list[str]:
    """The sections that assert something; the whole text where nothing is headed."""
    _, *parts = _HEADING.split(report)
    headed = list(zip(parts[::2], parts[1::2], strict=True))
    read = [body for name, body in headed if name.strip() in _READ_SECTIONS]
    return read or [report]


def _is_denied(sentence: str, mention: re.Match[str]) -> bool:
    start, end = mention.span()
    if _BEFORE.search(mention[0]):
        return True
    for cue in _BEFORE.finditer(sentence, 0, start):
        if not _ENDS_BEFORE.search(sentence, cue.end(), start):
            return True
    return any(
        not _ENDS_AFTER.search(sentence, end, cue.start()) for cue in _AFTER.finditer(sentence, end)
    )


def _labels(kind: Kind, sentence: str, mention: re.Match[str]) -> Iterator[str]:
    if str(kind) in LABELS:
        yield str(kind)
    else:
        for side in _sides(sentence, mention):
            yield f"{kind}_{side}"


def _sides(sentence: str, mention: re.Match[str]) -> frozenset[Side]:
    """The sides of a mention: its own modifiers, else a side behind it, else the nearest word."""
    own = _modifying_sides(sentence[: mention.start()])
    if own:
        return own
    behind = _SIDE_BEHIND.match(sentence[mention.end() :])
    if behind:
        return _SIDES[behind[1]]
    if mention[0].endswith(("s", "ces")) and not _SIDE_WORD.search(sentence):
        return frozenset(Side)
    words = sorted(
        _SIDE_WORD.finditer(sentence),
        key=lambda word: min(abs(word.start() - mention.end()), abs(mention.start() - word.end())),
    )
    return _SIDES[words[0][0]] if words else frozenset()


def _modifying_sides(text: str) -> frozenset[Side]:
    """The sides in the run of modifiers at the end of ``text``, e.g. "small right and left"."""
    sides: frozenset[Side] = frozenset()
    joined = True
    for word in reversed(text.split()):
        if word in _SIDES and joined:
            sides |= _SIDES[word]
            joined = False
        elif word in _MODIFIERS:
            joined = joined or word in {"and", "or", "than", "to"}
        elif word in {"the", "on"} and len(sides) == 2 and "bilateral" not in text:
            # "... on the right and small left": the far side belongs to what stands before it.
            return _modifying_sides(text.rsplit(" and ", 1)[-1])
        else:
            break
    return sides
