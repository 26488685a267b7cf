import json
from typing import Any

from local.demo.reading import Context
from local.demo.report import WIDTH, counts, engines, figures, history, latency
from local.demo.stores import Tally

QUESTION: dict[str, Any] = {
    "id": "i1",
    "type": "email",
    "direction": "inbound",
    "timestamp": "2026-11-13T08:20:00.000000Z",
    "subject": "Appraisal of my mother's table clock",
    "content": "Dear all,\nwhat is it worth?",
    "newText": "Dear all,\nwhat is it worth?",
    "summary": "She asks what her mother's table clock is worth and would like it appraised before she insures it.",
    "sentimentScore": 0.4,
    "conversationId": "c1",
    "analysis": {
        "engine": "offline",
        "createdAt": "2026-11-13T08:20:02Z",
        "classification": {"intent": "appraisal", "category": "appraisal", "priority": "normal", "language": "en"},
        "sentiment": {"label": "positive", "score": 0.4},
        "entities": [
            {"type": "phone", "text": "020 7946 0112", "value": "+442079460112", "start": 3, "end": 9},
            {"type": "phone", "text": "020 7946 0112", "value": "+442079460112", "start": 30, "end": 36},
        ],
    },
    "attachments": [
        {
            "id": "a1",
            "filename": "clock.png",
            "contentType": "image/png",
            "sizeBytes": 27691,
            "url": "/api/v1/attachments/a1",
            "analysis": {"description": "PNG graphic, 620×900"},
        }
    ],
}
ANSWER: dict[str, Any] = {
    "id": "i2",
    "type": "chat",
    "direction": "outbound",
    "timestamp": "2026-11-13T09:00:00Z",
    "content": "You will have an email within the hour.",
    "conversationId": "c2",
    "analysis": None,
    "attachments": [],
}
CONTEXT: dict[str, Any] = {
    "contact": {
        "id": "k1",
        "displayName": "Ada Whitcombe",
        "identities": [
            {"type": "email", "value": "ada@example.com", "isPrimary": True},
            {"type": "chat", "value": "0d9c/wa-0112", "isPrimary": True},
        ],
        "lastInteractionAt": "2026-11-13T09:00:00Z",
    },
    "interactions": {"items": [ANSWER, QUESTION], "nextCursor": None},
    "facts": {
        "items": [
            {
                "id": "f1",
                "contextType": "preference",
                "data": {"fact": "Prefers email in the mornings.", "quote": "I would prefer to be contacted by email"},
                "createdAt": "2026-11-13T08:21:00Z",
                "interactionId": "i1",
            }
        ],
        "nextCursor": None,
    },
}
HISTORY = """\
Ada Whitcombe
  email ada@example.com · chat wa-0112
  interactions: 2, conversations: 2, newest last

Fri 13 Nov 08:20  email  to us    #1  Appraisal of my mother's table clock
      She asks what her mother's table clock is worth and would like it appraised before she insures
      it.
      → appraisal (appraisal) · normal priority · en · positive +0.40 · phone +442079460112
      + clock.png, 27 KiB: PNG graphic, 620×900

Fri 13 Nov 09:00  chat   from us  #2
      You will have an email within the hour.
      → not analysed

What is worth remembering
  - preference: “I would prefer to be contacted by email”"""
ONE, TWO = frozenset({"1"}), frozenset({"1", "2"})
TALLIES = [
    Tally("deliveries", 2, blob=TWO, postgres=TWO),
    Tally("different files", 1, blob=ONE, postgres=ONE),
    Tally("interactions", 2, postgres=TWO, cosmos=frozenset({"1", "3"})),
]
COUNTS = """\
                      sent      Blob  Postgres  Cosmos DB   agree
deliveries               2         2         2          -   yes
different files          1         1         1          -   yes
interactions             2         -         2          2   NO"""


def test_a_history_reads_like_this() -> None:
    assert history(Context.model_validate(CONTEXT)) == HISTORY


def test_a_history_stays_within_its_width_whatever_it_holds() -> None:
    long = QUESTION | {"subject": "word " * 60, "summary": "word " * 200 + "x" * 300}
    context = CONTEXT | {"interactions": {"items": [long], "nextCursor": "more"}}

    lines = history(Context.model_validate(context)).splitlines()

    assert max(map(len, lines)) <= WIDTH
    assert "  (older ones are on further pages)" in lines


def test_equal_numbers_of_different_things_do_not_agree() -> None:
    assert counts(TALLIES) == COUNTS


def test_stores_that_agree_on_less_than_was_sent_do_not_agree() -> None:
    assert not Tally("interactions", 2, postgres=ONE, cosmos=ONE).agrees


def test_latency_names_the_median_and_the_worst() -> None:
    assert latency([0.5, 0.7, 3.0]) == (
        "From webhook to context: p50 0.70 s, max 3.00 s (3 in one go, host just started)"
    )


def test_figures_are_one_json_object() -> None:
    found = json.loads(figures(Context.model_validate(CONTEXT), TALLIES, [0.5, 0.7, 3.0]))

    assert found == {
        "agree": False,
        "counts": {
            "deliveries": {"sent": 2, "blob": 2, "postgres": 2},
            "different_files": {"sent": 1, "blob": 1, "postgres": 1},
            "interactions": {"sent": 2, "postgres": 2, "cosmos": 2},
        },
        "webhook_to_context_seconds": {"p50": 0.7, "max": 3.0},
        "contact": {"id": "k1", "interactions": 2, "facts": 1},
    }


def test_who_understood_the_messages_is_told_by_what_is_stored() -> None:
    assert engines(Context.model_validate(CONTEXT)) == "Understood by offline"
