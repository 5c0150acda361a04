"""What is learned, from many threads at once."""

from __future__ import annotations

import threading

import pytest

from proxy.models.habits import FLAGS, NO_HABITS, SETTABLE, HabitBook, Habits, Lesson, described, from_names, names_of

ROUNDS = 10_000


def _without(name: str) -> Lesson:
    return Lesson(f"without {name}", {"refused": frozenset((name,))})


def test_two_threads_lose_nothing() -> None:
    book, preset, errors = HabitBook(), Habits(prefix=True), []

    def teach(side: str) -> None:
        try:
            for n in range(ROUNDS):
                book.learn("http://a", "m", _without(f"{side}{n % 100}"), preset)
                known = book.get("http://a", "m")
                assert known is not None
                assert f"{side}{n % 100}" in known.refused
        except AssertionError as error:
            errors.append(error)

    threads = [threading.Thread(target=teach, args=(side,)) for side in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    known = book.get("http://a", "m")
    assert known is not None
    assert known.refused == {f"{side}{n}" for side in ("left", "right") for n in range(100)}
    assert known.prefix, "what the user has set stands"


def test_the_book_has_an_end() -> None:
    book = HabitBook()
    for n in range(3000):
        book.learn("http://a", f"model-{n}", _without("top_p"), Habits())
    assert book.get("http://a", "model-0") is None
    assert book.get("http://a", "model-2999") == Habits(refused=frozenset(("top_p",)))


def test_servers_and_models_have_their_own() -> None:
    book = HabitBook()
    book.learn("http://a", "m", Lesson("prefix", {"prefix": True}), Habits())
    assert book.get("http://a", "m") == Habits(prefix=True)
    assert book.get("http://a", "other") is None
    assert book.get("http://b", "m") is None


@pytest.mark.parametrize("name", SETTABLE)
def test_names_that_can_be_set(name: str) -> None:
    assert from_names([name]) != Habits()
    assert name in FLAGS or name.startswith("without_")


@pytest.mark.parametrize("names", [(), SETTABLE[:1], SETTABLE[-2:], SETTABLE])
def test_names_there_and_back(names: tuple[str, ...]) -> None:
    assert names_of(from_names(names)) == names


def test_what_an_entry_cannot_list_has_no_name() -> None:
    assert names_of(Habits(no_web_search=True, output_limit=5, refused=frozenset(["store"]))) == ()


@pytest.mark.parametrize(
    ("habits", "words"),
    [
        (NO_HABITS, ()),
        (Habits(prefix=True, refused=frozenset(("top_p", "user"))), ("without_top_p", "without_user", "prefix")),
        (Habits(output_limit=8192, api="chat"), ("output_limit 8192", "api chat")),
        (Habits(efforts=("low", "high"), token_field="max_tokens"), ("token_field max_tokens", "efforts low high")),
        (Habits(efforts=()), ("efforts none",)),
    ],
)
def test_in_words(habits: Habits, words: tuple[str, ...]) -> None:
    assert described(habits) == words


def test_all_that_is_known() -> None:
    book = HabitBook()
    assert book.all() == {}
    book.learn("http://a", "m", _without("x"), NO_HABITS)
    book.learn("http://b", "n", _without("y"), NO_HABITS)
    assert [*book.all()] == [("http://a", "m"), ("http://b", "n")]
    assert book.all()["http://b", "n"].refused == {"y"}
