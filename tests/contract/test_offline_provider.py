import json
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from shared.ai.provider import ModelProvider
from shared.ai.providers.offline import OfflineProvider
from shared.errors import Permanent

TUESDAY = datetime(2024, 3, 5, 10, tzinfo=UTC)


class Case(NamedTuple):
    text: str
    language: str
    intent: str
    category: str
    priority: str
    sentiment: str
    entities: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


CASES = {
    "late desk": Case(
        "Hi team,\n\nI ordered a walnut desk on 3 February 2024 (order #A-10293) and it still hasn't arrived. This is "
        "unacceptable, I am really angry!\n\nKind regards,\nAnna Schmidt",
        "en", "complaint", "delivery", "high", "negative", ("2024-02-03", "A-10293", "Anna Schmidt"),
    ),
    "refund": Case(
        "Hello, I was charged twice for invoice INV-2024-001. Please refund $49.90 to my card.",
        "en", "refund", "billing", "normal", "neutral", ("INV-2024-001", "49.90 USD"),
    ),
    "login": Case(
        "I can't log in to the app since yesterday, it shows an error message. Ticket 4711.",
        "en", "support", "support", "normal", "negative", ("2024-03-04", "4711"), ("support",),
    ),
    "appraisal": Case(
        "Dear Sir or Madam,\nI inherited an antique clock and I'd like to have it valued. Please call me after 5 pm.",
        "en", "appraisal", "appraisal", "normal", "neutral", (), ("appraisal", "preference"),
    ),
    "meeting": Case(
        "Could we reschedule our meeting to next Friday at 3 pm?",
        "en", "appointment", "scheduling", "normal", "neutral", ("2024-03-08T15:00",),
    ),
    "praise": Case(
        "Thank you so much, the table is wonderful and your driver was very friendly!",
        "en", "thanks", "other", "low", "positive",
    ),
    "quote": Case(
        "We are interested in your oak chairs. Could you send us a quote for 40 pieces?",
        "en", "sales", "sales", "normal", "neutral", (), ("sales",),
    ),
    "outage": Case(
        "URGENT!! Our whole shop is down, the software keeps crashing. We need help immediately.",
        "en", "support", "support", "urgent", "negative", (), ("support",),
    ),
    "newsletter": Case(
        "Spring is here! New arrivals every week, shop now and save 20% off.\n\nView in browser | Unsubscribe",
        "en", "newsletter", "marketing", "low", "neutral",
    ),
    "out of office": Case(
        "I am out of the office until Monday with limited access to email.",
        "en", "auto_reply", "other", "low", "neutral", ("2024-03-11",),
    ),
    "promise": Case(
        "I will transfer 120 EUR by 12 March.",
        "en", "other", "other", "normal", "neutral", ("120.00 EUR", "2024-03-12"), ("commitment",),
    ),
    "hours": Case("What are your opening hours on Sunday?", "en", "question", "other", "normal", "neutral"),
    "Abbuchung": Case(
        "Sehr geehrte Damen und Herren,\n\nder Betrag von € 1.234,50 wurde doppelt abgebucht (Rechnung Nr. 2024-0017). "
        "Bitte erstatten Sie den Betrag. Bitte nur per E-Mail antworten.\n\nMit freundlichen Grüßen\nKarl Müller",
        "de", "refund", "billing", "normal", "neutral", ("1234.50 EUR", "2024-0017", "Karl Müller"), ("preference",),
    ),
    "Beschwerde": Case(
        "Ich bin sehr enttäuscht: Der Tisch kam beschädigt an und niemand antwortet. Das ist eine Frechheit!",
        "de", "complaint", "delivery", "high", "negative", (), ("support",),
    ),
    "Termin": Case(
        "Guten Tag, ich möchte gerne einen Termin vereinbaren, am besten am 14.03.2024 um 10:30 Uhr.",
        "de", "appointment", "scheduling", "normal", "neutral", ("2024-03-14T10:30",),
    ),
    "Kündigung": Case(
        "Hiermit kündige ich mein Abo zum 31.03.2024.",
        "de", "cancellation", "account", "normal", "negative", ("2024-03-31",),
    ),
    "Dank": Case(
        "Vielen Dank für die schnelle Lieferung, der Schrank ist wunderschön!",
        "de", "thanks", "delivery", "low", "positive"
    ),
    "expertise": Case(
        "Bonjour,\nj'ai hérité d'un tableau ancien et je voudrais le faire expertiser. Combien vaut-il ?\n"
        "Cordialement,\nLuc Martin",
        "fr", "appraisal", "appraisal", "normal", "neutral", ("Luc Martin",), ("appraisal",),
    ),
    "colis": Case(
        "Ma commande n° 55123 n'est toujours pas arrivée, je suis très déçue. C'est inadmissible.",
        "fr", "complaint", "delivery", "high", "negative", ("55123",),
    ),
    "lavadora": Case(
        "Hola, la lavadora no funciona desde ayer. ¿Pueden enviarme un técnico? Mi teléfono es 612 345 678.",
        "es", "support", "support", "normal", "negative", ("2024-03-04", "+34612345678"), ("support",),
    ),
    "pedido": Case(
        "Quisiera comprar dos sillas más como las del pedido número 99812. ¿Cuánto cuesta el envío?",
        "es", "order", "sales", "normal", "neutral", ("99812",), ("sales",),
    ),
    "preventivo": Case(
        "Buongiorno, vorrei ricevere un preventivo per 20 sedie entro il 15 marzo.",
        "it", "sales", "sales", "normal", "neutral", ("2024-03-15",), ("sales",),
    ),
    "rimborso": Case(
        "Il prodotto è arrivato rotto, è una vergogna. Esigo il rimborso di 89,90 € entro domani!",
        "it", "refund", "billing", "high", "negative", ("89.90 EUR", "2024-03-06"),
    ),
    "afspraak": Case(
        "Goedemiddag, kan ik mijn afspraak van morgen verzetten naar vrijdag?\n\nMet vriendelijke groet,\nJan de Vries",
        "nl", "appointment", "scheduling", "normal", "neutral", ("2024-03-06", "2024-03-08", "Jan de Vries"),
    ),
    "klacht": Case(
        "De stoel is kapot aangekomen en de klantenservice reageert niet. Ik ben erg teleurgesteld.",
        "nl", "complaint", "delivery", "high", "negative",
    ),
    "assinatura": Case(
        "Olá, gostaria de cancelar a minha assinatura a partir de 1 de abril.",
        "pt", "cancellation", "account", "normal", "neutral", ("2024-04-01",),
    ),
    "elogio": Case(
        "Muito obrigado pela ajuda, o atendimento foi excelente!", "pt", "thanks", "other", "low", "positive"
    ),
    "försenad": Case(
        "Hej, var är min beställning? Jag har väntat i två veckor och betalade 499 kr.",
        "sv", "question", "other", "normal", "unknown", ("499.00 SEK",),
    ),
}  # fmt: skip


@pytest.fixture
def provider() -> OfflineProvider:
    return OfflineProvider()


def test_it_is_a_model_provider(provider: OfflineProvider) -> None:
    same: ModelProvider = provider

    assert same.name == "offline"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_message_is_understood(provider: OfflineProvider, case: Case) -> None:
    answer = await provider.analyze_message(case.text, subject="", sent_at=TUESDAY)

    value = answer.value
    found = value.classification
    assert (found.language, found.intent, found.category, found.priority, value.sentiment.label) == case[1:6]
    assert set(case.entities) <= {each.value for each in value.entities}
    assert set(case.facts) <= {each.type for each in value.facts}
    assert value.summary
    assert all(case.text[each.start : each.end] == each.text for each in value.entities)


async def test_what_is_logged_is_the_call_and_its_answer(provider: OfflineProvider) -> None:
    answer = await provider.analyze_message("Where is it?\x00 \ud800", subject="Order 4711", sent_at=TUESDAY)

    assert answer.request == {
        "task": "analyze_message",
        "subject": "Order 4711",
        "text": "Where is it? ?",
        "sent_at": "2024-03-05T10:00:00+00:00",
    }
    assert answer.response == json.loads(answer.value.model_dump_json())
    assert answer.model == "offline-rules-2"
    assert answer.usage.total_tokens is None


async def test_an_image_is_described_and_logged_by_its_hash(provider: OfflineProvider) -> None:
    raw = bytes.fromhex("47494638376101000100800000ff000000000021f90400000000002c00000000010001000002024401003b")

    answer = await provider.analyze_image(raw, filename="dot.gif")

    assert (answer.value.format, answer.value.width, answer.value.text) == ("GIF", 1, "")
    assert answer.value.description == "GIF graphic, 1×1, red"
    assert answer.request["filename"] == "dot.gif"
    assert answer.request["bytes"] == len(raw)
    assert "raw" not in answer.request


async def test_what_is_no_image_is_refused_for_ever(provider: OfflineProvider) -> None:
    with pytest.raises(Permanent, match="not a PNG"):
        await provider.analyze_image(b"%PDF-1.7", filename="dot.gif")


async def test_an_embedding_names_its_model_and_keeps_the_vector_out_of_the_log(provider: OfflineProvider) -> None:
    embedding = await provider.embed("Where is my order?")

    assert (embedding.model, len(embedding.vector)) == ("offline-hash-384", 384)
    assert embedding.response == {"dimensions": 384}
