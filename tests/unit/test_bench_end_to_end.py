import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from bench.clients import Run
from bench.end_to_end import IMAGE_EVERY, SHOWN, Kind, Sent, compare, messages, timed, unfinished
from shared.identifiers import MessageId
from shared.ingestion.email.mime_reader import MailReader
from shared.ingestion.json_body import read_json
from shared.models.webhooks import ChatIn, EmailIn

START = datetime(2026, 9, 1, 10, tzinfo=UTC)


def sent(after: float, kind: Kind = "email") -> Sent:
    return Sent(kind, START + timedelta(seconds=after), uuid4(), MessageId(uuid4()))


def analysed(*each: tuple[Sent, float]) -> dict[MessageId, datetime]:
    return {one.message_id: START + timedelta(seconds=after) for one, after in each}


def test_a_message_is_timed_from_its_own_post_and_the_burst_from_the_first_to_the_last() -> None:
    first, second, third = sent(0), sent(1), sent(2)
    run = timed([second, first, third], analysed((first, 6), (second, 4), (third, 2.5), (sent(0), 99)))
    assert run.latencies == [3, 6, 0.5]
    assert run.seconds == 6
    assert run.rate == 0.5


def test_the_ratio_is_that_of_the_rates_and_the_latencies_are_the_hosts() -> None:
    through = Run(50, [float(second) for second in range(1, 101)])
    numbers = compare(through, Run(25, [0.5] * 100)).numbers()
    assert next(iter(numbers)) == "end_to_end_vs_in_process"
    assert numbers == {
        "end_to_end_vs_in_process": 0.5,
        "webhook_to_analysis_p50_s": 50,
        "webhook_to_analysis_p95_s": 95,
        "messages_per_s": 2,
        "in_process_messages_per_s": 4,
    }


def test_nothing_is_said_when_every_message_is_analysed() -> None:
    one = sent(0)
    assert unfinished([one], analysed((one, 1)), {}) is None


def test_what_is_missing_is_named_by_kind_and_by_how_far_it_came() -> None:
    done, dead, lost = sent(0), sent(0, "mime"), sent(0, "chat")
    trouble = unfinished([done, dead, lost], analysed((done, 1)), {dead.delivery_id: "dead: too often"})
    assert trouble is not None
    assert trouble.what.startswith("2 of 3 messages are not analysed after ")
    assert trouble.what.endswith("(1 chat, 1 mime)")
    assert trouble.log.splitlines() == [
        f"mime delivery {dead.delivery_id}: dead: too often",
        f"chat delivery {lost.delivery_id}: not begun",
    ]


def test_of_many_missing_messages_the_first_are_shown_and_the_rest_counted() -> None:
    trouble = unfinished([sent(0) for _ in range(SHOWN + 5)], {}, {})
    assert trouble is not None
    assert len(trouble.log.splitlines()) == SHOWN + 1
    assert trouble.log.endswith("… and 5 more")


def test_the_burst_is_of_three_kinds_in_equal_parts_and_all_of_it_can_be_read() -> None:
    burst = messages(90, seed=3)
    images: list[bytes] = []
    for message in burst:
        if message.kind == "mime":
            mail = MailReader().read(message.body)
            images += [file.raw for file in mail.files if file.content_type == "image/jpeg"]
        else:
            shape: type[EmailIn | ChatIn] = EmailIn if message.kind == "email" else ChatIn
            images += [file.content_base64.encode() for file in read_json(message.body, shape)[0].attachments]
    assert Counter(each.kind for each in burst) == {"email": 30, "chat": 30, "mime": 30}
    assert len(images) == 90 // IMAGE_EVERY
    assert len(set(images)) == len(images)
    assert len({each.body for each in burst}) == len(burst)


def test_the_same_seed_makes_the_same_texts() -> None:
    first, again = ([json.loads(each.body)["content"] for each in messages(30, seed=3)[1::3]] for _ in range(2))
    assert first == again
