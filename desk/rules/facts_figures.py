"""What fees and weights in a callback mean beside those that were told before.

A callback may list only the fee that it is about, and a correction names only the new weight: both
say something only next to what is known. The figures stand in the codes of facts: `FREIGHT 12`
(back as a whole), `partly FREIGHT 12 + PACKING 3` (in part), `paid FREIGHT 12`, `155 2 kg`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from desk.rules.facts import Fact, earlier

#: In front of the code of money that came back in part, that is paid, and that is paid again.
PARTLY, PAID, AGAIN = "partly ", "paid ", "again "
#: No figure has more digits than that, before or behind the point.
_DIGITS = 9
_AND, _KG = " + ", " kg"

#: A fee: its kind in small letters, and its amount.
Fee = tuple[str, Decimal]


def is_fee(fact: Fact) -> bool:
    """Whether it is about money, and its code names which."""
    return fact.source.endswith(".fee")


def figure(value: object) -> Decimal | None:
    """A number of a message; None for what is none, or is absurdly long."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS:  # 1e999999999 takes all memory
        return None
    return number


def in_words(number: Decimal) -> str:
    """The same for 12, 12.0 and 12.00."""
    return f"{number.normalize():f}"


def named(names: Iterable[str]) -> str:
    """What a code says of several fees."""
    return _AND.join(sorted(names))


# --- money ----------------------------------------------------------------------------------------


def money_of(
    listed: Sequence[Fact], known: Sequence[Fact], told: Sequence[Mapping[str, Any]]
) -> list[Fact]:
    """What a callback lists of money, beside all other money of the order.

    Args:
        listed: what it says alone, as if it listed everything.
        told: the fees of the order, as the merchant's system told them.
    """
    found = []
    paid = [fact for fact in listed if fact.code.startswith(PAID)]
    for fact in listed:
        if fact.fact == "refund.confirmed" and not paid:
            fact = _whole_or_part(fact, known, told)
        found.append(fact)
    for fact in paid:
        again = _charged_again(fact, [*known, *found], told)
        found += [again] if again else []
    return found


def _whole_or_part(fact: Fact, known: Sequence[Fact], told: Sequence[Mapping[str, Any]]) -> Fact:
    """A refund from a callback that lists nothing as paid, beside all other money.

    It is whole when nothing paid is left, or the double of a fee that stays paid once came back.
    """
    left = _paid(known, told)
    back = _back([*known, fact])
    if _sum(left) <= _sum(back):  # in sums: carriers and merchants name fees differently
        return fact
    left -= back
    kinds = [kind for kind, _ in left.elements()]
    if all(fee in left for fee in _fees(fact)) and len(kinds) == len(set(kinds)):
        return fact
    return replace(fact, fact="refund.partial", code=f"{PARTLY}{fact.code}")


def _charged_again(
    paid: Fact, known: Sequence[Fact], told: Sequence[Mapping[str, Any]]
) -> Fact | None:
    """That a fee is paid anew which certainly came back before; None when none is."""
    before = [fact for fact in known if fact.received_at != paid.received_at]
    left = _charged(before, told) - _back(known)
    returned = {
        fee
        for refund in known
        if refund.fact == "refund.confirmed" and is_fee(refund) and earlier(refund, paid)
        for fee in _fees(refund)
    }
    again = [fee for fee, times in Counter(_fees(paid)).items() if times > left[fee]]
    taken = named(
        f"{kind} {in_words(amount)}" for kind, amount in again if (kind, amount) in returned
    )
    return replace(paid, fact="fee.charged_again", code=f"{AGAIN}{taken}") if taken else None


def _fees(fact: Fact) -> list[Fee]:
    """The fees that a fact about money names."""
    code = fact.code
    for prefix in (PARTLY, PAID, AGAIN):
        code = code.removeprefix(prefix)
    pairs = [name.rpartition(" ") for name in code.split(_AND)]
    return [
        (kind.lower(), amount) for kind, _, text in pairs if (amount := figure(text)) is not None
    ]


def _sum(fees: Counter[Fee]) -> Decimal:
    return sum((amount for _, amount in fees.elements()), Decimal(0))


def _told(fees: Iterable[Mapping[str, Any]]) -> list[Fee]:
    paid = [
        (str(fee.get("kind")).lower(), figure(fee.get("amount"))) for fee in fees if fee.get("paid")
    ]
    return [(kind, amount) for kind, amount in paid if amount is not None]


def _paid(known: Sequence[Fact], told: Sequence[Mapping[str, Any]]) -> Counter[Fee]:
    """What was paid: of each kind what was said last, by the merchant first."""
    said = _told(told)
    for fact in known:
        if is_fee(fact) and fact.code.startswith(PAID):
            kinds = {kind for kind, _ in _fees(fact)}
            said = [fee for fee in said if fee[0] not in kinds] + _fees(fact)
    return Counter(said)


def _back(known: Iterable[Fact]) -> Counter[Fee]:
    """What came back: later callbacks list it again, or only what is new."""
    back: Counter[Fee] = Counter()
    for fact in known:
        if is_fee(fact) and fact.fact.startswith("refund."):
            back |= Counter(_fees(fact))
    return back


def _charged(known: Sequence[Fact], told: Sequence[Mapping[str, Any]]) -> Counter[Fee]:
    """The most that was ever charged: what one callback lists as paid and as back."""
    charged = Counter(_told(told))
    by_callback: dict[Any, Counter[Fee]] = {}
    for fact in known:
        if is_fee(fact) and not fact.code.startswith(AGAIN):
            by_callback.setdefault(fact.received_at, Counter()).update(_fees(fact))
    for listed in by_callback.values():
        charged |= listed
    return charged


def same_figures(one: Fact, other: Fact) -> bool:
    """Whether they do not speak of different money, or of different weights."""
    figures = (is_fee(one) and is_fee(other)) or (_kg(one) is not None and _kg(other) is not None)
    return not figures or one.code == other.code


# --- weights --------------------------------------------------------------------------------------


def weighed(fact: Fact, weight: str | None, known: Sequence[Fact]) -> Fact | None:
    """A settled fee or a corrected weight with its weight; a correction that is none says so.

    What was disputed is the weight that was charged. A "correction" that is not below it, or not
    below an earlier correction, upholds it.

    Args:
        weight: in kg, as the callback gives it.

    Returns:
        None when the same weight was the last correction already.
    """
    number = figure((weight or "").lower().removesuffix("kg"))
    if number is None or number <= 0 or fact.fact not in ("fee.settled", "weight.corrected"):
        return fact
    shown = replace(fact, code=f"{fact.code} {in_words(number)}{_KG}")
    if fact.fact == "fee.settled":
        return shown
    before = sorted((one for one in known if one.when <= fact.when), key=lambda one: one.when)
    charged = [kg for one in before if one.fact == "fee.settled" if (kg := _kg(one))]
    corrected = [kg for one in before if one.fact.startswith("weight.") if (kg := _kg(one))]
    if corrected[-1:] == [number]:
        return None
    if any(number >= kg for kg in (*charged[-1:], *corrected)):
        return replace(shown, fact="weight.upheld")
    return shown


def _kg(fact: Fact) -> Decimal | None:
    if not fact.code.endswith(_KG):
        return None
    return figure(fact.code.removesuffix(_KG).rpartition(" ")[2])
