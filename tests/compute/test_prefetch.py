import threading

import pytest

from ct_importance.compute.prefetch import prefetch


def test_items_come_in_their_order():
    assert list(prefetch(iter(range(5)))) == list(range(5))
    assert list(prefetch([])) == []
    assert list(prefetch([None, None])) == [None, None]


def test_the_next_item_is_made_while_the_present_one_is_used():
    made = [threading.Event() for _ in range(3)]

    def items():
        for event in made:
            event.set()
            yield event

    coming = prefetch(items())
    next(coming)

    assert made[1].wait(5)
    assert not made[2].is_set()
    coming.close()


def test_an_error_comes_in_the_place_of_its_item():
    def items():
        yield 1
        raise ValueError("the second")

    coming = prefetch(items())

    assert next(coming) == 1
    with pytest.raises(ValueError, match="the second"):
        next(coming)
