"""What is denied and what is doubted: cues and their scope, in the manner of ConText.

Harkema, Dowling, Thornblade, Chapman: ConText, J Biomed Inform 42 (2009). A cue before a finding
reaches to the right up to a word that ends it; a cue behind one reaches back over the list that
the finding stands in. Phrases that hold a negating word and deny nothing ("no change in") are
phrases of their own in the lexicon and never cues.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from radiology.language.fact import Presence
from radiology.language.lexicon import Item, Role, Term
from radiology.language.mentions import Mention

_SEEN: Final = (
    "seen/identified/present/visible/visualized/visualised/evident/demonstrated/appreciated/noted"
    "/detected/shown/found"
)

_DENIES_BEFORE: Final = """
    no | not | without |
    no (convincing/radiographic/definite/significant/ct) evidence/sign~/suggestion/indication
    of/for | no evidence to suggest | no radiographic evidence of/for | without evidence of |
    w / o | negative for | free of/from | absence of | absent | lack of | lacks | denies | nor |
    neither | never | clear of | devoid of | rather than | removal of | removed | rules out |
    ruled out | excludes | exclude the presence of | fails to show/demonstrate/reveal |
    show/shows no | has/have no | nil | zero | none of the"""
_DENIES_BEHIND: Final = """
    : none | : nil | : absent | : negative . | : no . | : no , |
    is/are/was/were not (now/clearly/definitely/currently) SEEN | not (clearly/definitely) SEEN |
    not SEEN | (is/are) no longer SEEN | is/are/was/were absent | is/are/was excluded |
    has/have been excluded | is/are/was/were ruled out | has/have been (ruled) out |
    (has/have) been removed | was/were removed | removed (interval) | is/are unlikely |
    is/are less likely | excluded | no longer SEEN | absent now | (is/are) not confirmed"""
_DOUBTS_BEFORE: Final = """
    possible | ? | possibly | probable | probably | questionable | question of | question |
    to identify | may represent/reflect/be/indicate/suggest/relate | may be due/related |
    may (also) represent/reflect | could represent/reflect/be/indicate |
    might represent/reflect/be/indicate | can represent/reflect |
    suspicious/concerning/worrisome/suggestive for/of |
    raises/raising (the) concern/possibility/suspicion for/of | concern for |
    (signs or) symptoms of | sign~ of | obscure | obscures | obscuring | mask | masks |
    detecting | detection of | to determine if | to look for | more sensitive (for/in) |
    evaluation/assessment/evaluate/assess/sensitivity/sensitive for/of | suggest | suggests |
    suggesting | suspected | suspect | suspicion of/for | presumed | presumably | perhaps |
    equivocal | cannot (entirely/completely) exclude | can not exclude | difficult to exclude |
    cannot rule out | not exclude | does not exclude | rule out | r / o | to exclude |
    evaluate for | query | likely | most likely | very likely | favor | favored to represent/be |
    favoured to represent | likely represents/represent/reflects/reflect |
    likely representing/reflecting/due/secondary | potentially | potential |
    differential (considerations/diagnosis) (include/includes) | simulating | mimicking |
    apparent | appears to be | seems | may have | in the appropriate clinical setting | versus |
    vs | and / or | compatible with early | questioned | concerning for | worrisome for |
    suggestive of | suspicious for | or possibly | may indicate | there may be |
    may have developed | thought to represent | early/developing"""
_DOUBTS_BEHIND: Final = """
    may/might/could not be SEEN | cannot (be) (entirely/completely/confidently) (be) excluded |
    can not be (entirely/completely) excluded | could not be excluded |
    is/are not (entirely/completely) excluded | not excluded | cannot be ruled out |
    is/are possible | is/are probable | is/are suspected | is/are likely | is/are questioned |
    is/are a possibility | is/are a consideration | is/are favored/favoured |
    is/are difficult to exclude | may be present | may persist | would be difficult to exclude |
    not be excluded"""

_RESOLVED_BEHIND: Final = """
    is/are/was/has/have (now/completely/since/fully/been) resolved/cleared/disappeared |
    now resolved/cleared"""
_RESOLVED_BEFORE: Final = "(complete/interval) resolution of | resolved | cleared"
_SOFT: Final = """
    (is/are) suggested | should/may/could be considered/obtained/performed | consider |
    may/would be helpful/useful/of value | if clinically indicated/warranted | is/are needed |
    could be performed | can be obtained"""
"""Doubts a finding; together with a study that may be done it recommends it."""

_ENDS: Final = """
    but | however | although | though | except (for) | apart from | aside from | other than |
    with the exception of | yet | whereas | while | despite | which | there is/are |
    there has/have been | after | following | status post | s / p | because | ;"""
EXCEPTIONS: Final = frozenset({"except", "apart", "aside", "other", "with"})
"""First words of breaks after which something is taken out of what is said."""

_EITHER: Final = frozenset({"versus", "vs", "and"})
"""First words of cues that doubt the finding on each side of them."""

_SAID_BEHIND: Final = frozenset(
    {"resolved", "cleared", "removed", "absent", "possible", "possibly", "probable", "probably"}
    | {"likely", "very", "suspected", "questionable", "questioned", "presumed", "equivocal", "?"}
)
"""Cues that speak of what is before them where nothing is behind."""

_ASSERTS: Final = frozenset({"side", "severity", "change", "size"})
"""Attributes that begin a finding of its own behind a comma: "No PTX, small effusion"."""


def cue_table() -> Iterator[tuple[str, Term]]:
    """The phrases of cues and of what ends them for a lexicon."""
    for names, phrases in (
        (("absent", "before"), _DENIES_BEFORE),
        (("absent", "behind"), _DENIES_BEHIND),
        (("uncertain", "before"), _DOUBTS_BEFORE),
        (("uncertain", "behind"), _DOUBTS_BEHIND),
    ):
        yield phrases.replace("SEEN", _SEEN), Term(Role.CUE, names)
    yield _RESOLVED_BEHIND, Term(Role.CUE, ("absent", "behind", "resolved"))
    yield _RESOLVED_BEFORE, Term(Role.CUE, ("absent", "before", "resolved"))
    yield _SOFT, Term(Role.CUE, ("uncertain", "behind", "soft"))
    yield _ENDS, Term(Role.BREAK)


def find_presences(
    items: Sequence[Item], mentions: Sequence[Mention]
) -> list[tuple[Presence, Item | None]]:
    """The presence of each mention, and the cue that says so."""
    found: list[tuple[Presence, Item | None]] = [
        _before(items, mentions, number) for number in range(len(mentions))
    ]
    for index, item in enumerate(items):
        if item.role is Role.CUE and _reaches_back(items, mentions, index):
            for number in _listed_before(items, mentions, index):
                presence = Presence(item.name)
                if found[number][0] is not Presence.ABSENT:
                    found[number] = (presence, item)
    return found


def _before(
    items: Sequence[Item], mentions: Sequence[Mention], number: int
) -> tuple[Presence, Item | None]:
    """What the nearest cue before a mention says, if it reaches that far."""
    mention = mentions[number]
    if mention.state is not None and mention.state > mention.region:
        # Said of a subject: what is before the subject belongs to another clause.
        places = range(mention.state - 1, mention.region, -1)
    else:
        places = range(mention.first - 1, -1, -1)
    for index in places:
        item = items[index]
        if item.role is Role.BREAK:
            break
        if item.name == "correlate":
            return Presence.UNCERTAIN, item
        if item.role is Role.CUE:
            if item.term.names[1] == "behind":
                break
            if not _starts_anew(items, mentions, number, index):
                return Presence(item.name), item
            break
    return Presence.PRESENT, None


def _starts_anew(items: Sequence[Item], mentions: Sequence[Mention], number: int, cue: int) -> bool:
    """Whether a mention stands in a list behind a cue, yet begins an assertion of its own."""
    if number == 0 or mentions[number - 1].last < cue:
        return False
    mention, previous = mentions[number], mentions[number - 1]
    between = items[previous.last + 1 : mention.start]
    if any(item.text in {"or", "nor", "/"} for item in between):
        return False
    if not any(item.role is Role.JOIN or item.text == "with" for item in between):
        return False
    if any(item.name == "explains" for item in between):
        return True  # "no acute disease, findings compatible with emphysema"
    own = items[mention.start : mention.first]
    asserts = any(name in _ASSERTS for item in own for name, _ in item.term.attributes)
    if not asserts and not any(item.text in {"a", "an", "the", "this"} for item in own[:1]):
        return False
    for item in items[mention.last + 1 :]:
        if item.role is Role.BREAK or item.role is Role.CUE:
            break
        if item.text in {"or", "nor"}:
            return False
    return True


def _reaches_back(items: Sequence[Item], mentions: Sequence[Mention], index: int) -> bool:
    """Whether the cue at ``index`` speaks of what is before it.

    "Likely" and its kin speak of the finding behind them, and where there is none, of the last.
    """
    item = items[index]
    if item.term.names[1] == "behind":
        return True
    if item.text in _EITHER:
        return True
    if item.text not in _SAID_BEHIND:
        return False
    for mention in mentions:
        if mention.last > index:
            return any(other.role is Role.BREAK for other in items[index : mention.last])
    return True


def _listed_before(items: Sequence[Item], mentions: Sequence[Mention], index: int) -> Iterator[int]:
    """The mentions that a cue at ``index`` reaches back to: the last one, and its list."""
    following: Mention | None = None
    for number in range(len(mentions) - 1, -1, -1):
        mention = mentions[number]
        if mention.last >= index:
            continue
        limit = index if following is None else following.start
        between = items[mention.last + 1 : limit]
        if any(item.role is Role.BREAK for item in between):
            return
        if following is not None and not all(item.role is Role.JOIN for item in between):
            return
        yield number
        if items[index].text in _EITHER:
            return
        following = mention
