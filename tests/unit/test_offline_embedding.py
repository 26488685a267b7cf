from math import isclose, sqrt

from hypothesis import given
from hypothesis import strategies as st

from shared.ai.providers.offline.embedding import embed


def likeness(one: str, two: str) -> float:
    return sum(a * b for a, b in zip(embed(one), embed(two), strict=True))


@given(st.text(max_size=300))
def test_every_text_gives_a_unit_vector_of_384_numbers_and_always_the_same(text: str) -> None:
    vector = embed(text)

    assert len(vector) == 384
    assert isclose(sqrt(sum(value * value for value in vector)), 1.0, rel_tol=1e-9)
    assert vector == embed(text)


def test_a_text_without_words_has_the_first_axis() -> None:
    assert embed("") == embed("\x00 ?!") == [1.0] + [0.0] * 383


def test_texts_about_one_matter_are_nearer_than_texts_about_two() -> None:
    lamp = "The lamp I ordered last week arrived broken"
    near = likeness(lamp, "My lamp order arrived and the lamp was broken")
    far = likeness(lamp, "Could we move our meeting with the accountant?")

    assert near > 0.4
    assert far < near / 2


def test_a_typing_error_keeps_a_text_near_itself() -> None:
    typed = likeness("refund for my subscription", "refnd for my subscripton")

    assert typed > 0.3 > likeness("refund for my subscription", "walnut desk by the window")


def test_the_vector_does_not_depend_on_the_process() -> None:
    # Python's own hash is salted; a changed value here means every stored vector is stale and MODEL needs a new name.
    vector = embed("walnut desk")

    assert [index for index, value in enumerate(vector) if value][:5] == [7, 27, 54, 72, 80]
