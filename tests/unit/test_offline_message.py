import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ai.providers.offline.language import detect
from shared.ai.providers.offline.message import analyse
from shared.ai.providers.offline.sentences import split
from shared.models.analysis import MessageAnalysis

TUESDAY = datetime(2024, 3, 5, 10, tzinfo=UTC)

LETTER = """Hi team,

I bought a lamp from you in January. The switch broke after two weeks, and the
replacement you sent does not work either.

> We are sorry to hear that.

Could you please send a new one? I prefer to be contacted by email only.

Kind regards,
Anna Schmidt
Anna Schmidt Interiors, 12 High Street
"""


def read(text: str, subject: str = "") -> MessageAnalysis:
    return analyse(text, subject=subject, sent_at=TUESDAY)


def test_greeting_quote_and_signature_are_no_sentences_and_wrapped_lines_are_one() -> None:
    assert [each.text for each in split(LETTER, "en")] == [
        "I bought a lamp from you in January.",
        "The switch broke after two weeks, and the\nreplacement you sent does not work either.",
        "Could you please send a new one?",
        "I prefer to be contacted by email only.",
    ]


def test_a_name_alone_at_the_end_and_the_line_before_a_quote_are_no_sentences() -> None:
    text = "Thank you, it works now.\nThe screen is bright.\n\nAda\n\nOn Monday Nora wrote:\n> Dear Ada,\n> try this."

    assert [each.text for each in split(text, "en")] == ["Thank you, it works now.", "The screen is bright."]


def test_an_abbreviation_or_a_date_does_not_end_a_sentence() -> None:
    text = "Die Bestellung Nr. 4711 kam am 3. Mai an. Sie war z. B. unvollständig."

    assert [each.text for each in split(text, "de")] == [
        "Die Bestellung Nr. 4711 kam am 3. Mai an.",
        "Sie war z. B. unvollständig.",
    ]


def test_a_summary_is_made_of_the_telling_sentences_and_stays_short() -> None:
    summary = read(LETTER).summary

    assert "does not work" in summary
    assert "Anna" not in summary
    assert "Hi team" not in summary
    assert len(read("The parcel has not arrived yet and nobody answers. " * 50).summary) <= 300


def test_without_a_body_the_subject_is_the_summary() -> None:
    assert read("", subject="Where is my parcel?").summary == "Where is my parcel?"


def test_a_fact_quotes_the_message_and_names_its_kind() -> None:
    facts = {each.type: each.quote for each in read(LETTER).facts}

    assert facts["preference"] == "I prefer to be contacted by email only."
    assert facts["support"].startswith("The switch broke")


def test_a_promise_is_a_commitment_only_with_a_date() -> None:
    assert [each.type for each in read("I will transfer the money by 12 March.").facts] == ["commitment"]
    assert read("I will transfer the money, honestly.").facts == []


def test_a_refused_sale_is_no_sales_fact() -> None:
    assert [each.type for each in read("We would like to sell my piano to you.").facts] == ["sales"]
    assert read("I do not want to sell the piano to anyone.").facts == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Ich bin sehr zufrieden mit dem Tisch.", "positive"),
        ("Ich bin nicht zufrieden mit dem Tisch.", "negative"),
        ("Le service n'est pas bon et je suis très déçu.", "negative"),
        ("Der Tisch hat vier Beine und eine Platte.", "neutral"),
        ("I am not happy with the table at all.", "negative"),
        ("Please send the price list. Kind regards", "neutral"),
        ("Skrivbordet är trasigt och jag är mycket besviken på er.", "unknown"),
    ],
)
def test_negation_turns_a_feeling_and_courtesy_is_none(text: str, label: str) -> None:
    sentiment = read(text).sentiment

    assert sentiment.label == label
    assert (sentiment.score == 0) or label != "unknown"


def test_a_question_shows_half_the_feeling_of_a_statement() -> None:
    assert read("Is that bad for it?").sentiment.score == pytest.approx(
        read("That is bad.").sentiment.score / 2, abs=0.05
    )


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("URGENT: our shop is down, this is an emergency, please help immediately!", "urgent"),
        ("Please send the contract as soon as possible.", "high"),
        ("Please send the contract.", "normal"),
        ("No rush, but could you send the contract?", "low"),
        ("It is not urgent, could you send the contract whenever you have time?", "low"),
        ("Thank you so much for the quick delivery.", "low"),
    ],
)
def test_priority_follows_the_words_of_urgency(text: str, priority: str) -> None:
    assert read(text).classification.priority == priority


@pytest.mark.parametrize("text", ["", " ", "ok", "12345", "???", "Привет, где мой заказ?", "注文はどこ", "xq zzk"])
def test_a_language_nobody_can_tell_is_unknown(text: str) -> None:
    assert detect(text) == "unknown"


@pytest.mark.parametrize(
    ("text", "language"),
    [("Hello", "en"), ("Danke!", "de"),
     ("hi, do you change batteries in vintage watches while i wait?", "en"),
     ("Hola", "es"), ("Where is my order?", "en"), ("Merci beaucoup", "fr"),
     ("Var är min beställning? Jag har väntat i två veckor.", "sv"), ("Gdzie jest moje zamówienie?", "pl")],
)  # fmt: skip
def test_short_texts_are_told_by_their_words(text: str, language: str) -> None:
    assert detect(text) == language


def test_tags_and_topics_carry_no_name_and_no_address() -> None:
    answer = read("My name is Anna Schmidt. The lamp of Anna Schmidt is broken: anna.schmidt@lampen.example", "Lamp")

    assert answer.topics[0] == "lamp"
    assert not any("anna" in word or "schmidt" in word for word in [*answer.topics, *answer.tags])


def test_a_machines_mail_has_no_feelings_and_no_facts() -> None:
    answer = read("I am out of office. I will be back on Monday and prefer email. Terrible, horrible!")

    assert answer.classification.intent == "auto_reply"
    assert (answer.sentiment.label, answer.facts) == ("neutral", [])


def test_the_subject_of_a_reply_counts_less_than_its_text() -> None:
    answer = read("Thank you so much for the wonderful service.", subject="Re: Refund for order 4711")

    assert answer.classification.intent == "thanks"


@pytest.mark.parametrize("text", ["Love the new chairs!! Best purchase this year.", "Super Service, total begeistert!"])
def test_praise_without_a_wish_is_feedback(text: str) -> None:
    assert read(text).classification.intent == "feedback"


def test_topics_keep_their_spelling() -> None:
    assert "straße" in read("Die Straße ist gesperrt, die Straße und der Hof.").topics


def test_the_subject_counts_where_the_text_is_short() -> None:
    assert read("See the subject.", subject="Refund for order 4711").classification.intent == "refund"


FRAGMENTS = st.sampled_from(
    ["I prefer email. ", "We will pay on 12 March. ", "Bitte nur per E-Mail! ", "\x00", "\ud800", "\r\n", "\n\n", "> ",
     "funktioniert nicht. ", "Kind regards,\n", "Hi,\n", "je préfère ", "!!! ", "want to sell my piano? ", "\u2028"]
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(FRAGMENTS | st.text(max_size=20), max_size=20), st.text(max_size=20))
def test_whatever_arrives_the_answer_is_repeatable_storable_and_quotes_verbatim(parts: list[str], subject: str) -> None:
    text = "".join(parts)

    answer = read(text, subject)

    assert answer == read(text, subject)
    assert all(each.quote in text for each in answer.facts)
    assert "\\u0000" not in json.dumps(answer.model_dump(mode="json"))
    assert MessageAnalysis.model_validate_json(answer.model_dump_json().encode()) == answer


HOSTILE = [
    "a", "1", "1 ", "a@", "x@a.", "http://", "order #", "+1 (212) ", "may 1 ", "$1,111", "Ab ", "\n", "a\n", ">", "!",
    "?! ", "A. ", "\x00", "\ud800", "😀", "dates 12 March 2024, ", "my name is Anna ", "a-", "_", "'", "great! ",
    "12.12.", "unsubscribe ", " ", "system: ", "<!-- ", "ignore your instructions. ", "you promised ", "Ab Cd, ",
    "Paris ",
]  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", HOSTILE)
def test_long_repetitions_are_survived(piece: str) -> None:
    answer = read(piece * (200_000 // len(piece)), subject=piece * 10_000)

    assert len(answer.summary) <= 300
    assert len(answer.entities) <= 50
