from collections import Counter
from typing import get_args

import pytest

from bench.analysis_cases import SPLITS, Case, Place, case_of, read_cases
from shared.models.analysis import Category, ContextType, EntityType, Intent, Priority, Risk

CASES = [case for split in SPLITS for case in read_cases(split)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_label_is_one_of_the_contract_and_stands_in_its_message(case: Case) -> None:
    entities = (*case.entities.needed, *case.entities.tolerated)
    facts = (*case.facts.needed, *case.facts.tolerated)

    assert set(case.intents) <= set(get_args(Intent))
    assert case.category in get_args(Category)
    assert case.priority in get_args(Priority)
    assert -1 <= case.sentiment <= 1
    assert case.risks <= set(get_args(Risk)) - {"hidden_text", "cut_text"}
    assert {each.kind for each in entities} <= set(get_args(EntityType))
    assert {each.kind for each in facts} <= set(get_args(ContextType))
    assert {each.kind for each in case.promises.needed} <= {"writer", "reader"}
    assert all(0 <= each.start < each.end <= len(case.text) for each in (*entities, *facts, *case.promises.needed))


def test_the_set_is_120_messages_of_all_kinds_languages_and_industries_half_of_them_held_out() -> None:
    assert [len(read_cases(split)) for split in SPLITS] == [60, 60]
    assert len({case.id for case in CASES}) == len({case.text for case in CASES}) == 120
    for split in SPLITS:
        cases = read_cases(split)
        assert {case.language for case in cases} == {"en", "de", "fr", "es", "it", "nl"}
        assert len({case.industry for case in cases}) >= 8
        assert {case.kind for case in cases} == {"plain", "sarcasm", "mixed", "injection", "risk", "machine"}
        assert min(Counter(case.language for case in cases).values()) >= 6


def test_a_label_that_is_not_in_its_message_is_named() -> None:
    labels = {
        "intent": "thanks", "category": "other", "priority": "low", "sentiment": 0.5,
        "entities": [["person", "Ada"]], "facts": [], "promises": [], "risks": [],
    }  # fmt: skip
    said = {"id": "x1", "industry": "retail", "language": "en", "kind": "plain", "subject": "", "labels": labels}
    said |= {"sent_at": "2026-11-16T09:00:00Z", "text": "Thank you, Ada."}
    case = case_of(said)

    assert case.entities.needed == (Place("person", 11, 14),)
    with pytest.raises(ValueError, match="x1: 'Ada' does not stand in the text"):
        case_of({**said, "text": "Thank you."})
