"""Prompt actors: what finds one at rest is begun in its sender's own turn, and nothing else is different."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from actors.runtime import ActorDead, AskTimeout, ChildSpec, Fate, Reply, SupervisorSpec
from actors.runtime.cell import PROMPTS
from actors.runtime.mailbox import Envelope
from tests.fakes.recording import Book, Recorder, Scene, play


class Prompt(Recorder):
    """A recorder that is prompt."""

    prompt = True


def tree(book: Book) -> SupervisorSpec:
    """A root with the prompt recorder `a`."""
    return SupervisorSpec(children=(ChildSpec(name="a", start=lambda: Prompt(book)),))


def turn() -> str:
    """The name of the task that runs now."""
    task = asyncio.current_task()
    return "" if task is None else task.get_name()


def test_an_actor_at_rest_answers_in_the_turn_of_its_asker() -> None:
    """No other task runs between question and answer."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        ran: list[str] = []
        asyncio.get_running_loop().call_soon(ran.append, "another")
        assert await scene.ref("a").ask(lambda _: turn()) == turn()
        assert ran == []

    play(tree, act)


def test_what_it_is_told_at_rest_is_done_when_the_teller_goes_on() -> None:
    """And what follows from it is not the teller's: its crash is its own, and its waiting too."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        a, order = scene.ref("a"), list[str]()

        async def slow() -> None:
            await asyncio.sleep(1.0)
            order.append(turn())

        assert a.tell(lambda _: order.append("first"))
        assert order == ["first"]
        assert a.tell(lambda _: slow())
        assert a.tell(lambda _: order.append("third"))
        assert order == ["first"]
        await asyncio.sleep(1.5)
        assert order == ["first", "root/a#1", "third"]
        assert a.tell("crash")
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["+a", "-a:crashed", "+a"]

    play(tree, act)


def test_two_that_tell_each_other_handle_one_message_at_a_time() -> None:
    """What comes back while a message is in hand waits in the mailbox."""

    def two(book: Book) -> SupervisorSpec:
        return SupervisorSpec(children=tuple(ChildSpec(name=name, start=lambda: Prompt(book)) for name in ("a", "b")))

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        a, b, order = scene.ref("a"), scene.ref("b"), list[str]()

        def back(_: Any) -> None:
            order.append("b begins")
            a.tell(lambda _: order.append("a again"))
            order.append("b ends")

        def there(_: Any) -> None:
            order.append("a begins")
            b.tell(back)
            order.append("a ends")

        a.tell(there)
        await asyncio.sleep(0.1)
        assert order == ["a begins", "b begins", "b ends", "a ends", "a again"]

    play(two, act)


def test_what_it_tells_itself_goes_before_what_comes_later() -> None:
    """It rests no more once anything waits for it."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        a, order = scene.ref("a"), list[str]()
        a.tell(lambda _: a.tell(lambda _: order.append("itself")))
        a.tell(lambda _: order.append("later"))
        await asyncio.sleep(0.1)
        assert order == ["itself", "later"]

    play(tree, act)


def test_what_is_told_after_its_end_is_for_the_next() -> None:
    """Also where it was ended at rest."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        a, alive = scene.ref("a"), list[bool]()
        task = next(task for task in asyncio.all_tasks() if task.get_name() == "root/a#1")
        task.add_done_callback(lambda _: a.tell(lambda actor: alive.append(actor._cell is a.cell)))
        task.cancel()
        await asyncio.sleep(0.1)
        assert alive == [True]

    play(tree, act)


def test_what_was_told_before_is_handled_before() -> None:
    """With anything in its mailbox the actor does not rest."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        order: list[str] = []
        scene.ref("a").mailbox.put(Envelope(lambda _: order.append("told")))
        await scene.ref("a").ask(lambda _: order.append("asked"))
        assert order == ["told", "asked"]

    play(tree, act)


def test_what_it_awaits_it_awaits_in_its_own_task_and_the_next_waits_for_that() -> None:
    """One message at a time, whoever's turn it is begun in."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        a, order = scene.ref("a"), []

        async def slow(name: str) -> Any:
            await asyncio.sleep(1.0)
            order.append(name)
            return turn()

        loop = asyncio.get_running_loop()
        first = loop.create_task(a.ask(lambda _: slow("first")))
        await asyncio.sleep(0)
        second = loop.create_task(a.ask(lambda _: order.append("second")))
        assert await first == "root/a#1"
        await second
        assert order == ["first", "second"]

    play(tree, act)


def test_a_crash_ends_the_actor_and_the_ask_and_brings_another() -> None:
    """The asker is told that the message may have been handled; what it asked in the same turn was not."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        a = scene.ref("a")
        loop = asyncio.get_running_loop()
        asks = [loop.create_task(a.ask(message)) for message in ("crash", "after")]
        ends = await asyncio.gather(*asks, return_exceptions=True)
        assert [end.fate for end in ends if isinstance(end, ActorDead)] == [Fate.MAYBE_HANDLED, Fate.NOT_HANDLED]
        await asyncio.sleep(0.1)
        assert await a.ask("again") == "again"
        assert scene.book.take() == ["+a", "-a:crashed", "+a"]
        assert [(report.context.value, report.message_type) for report in scene.book.reports] == [
            ("child_terminated", "str")
        ]

    play(tree, act)


@pytest.mark.parametrize("answered", [True, False], ids=["in time", "never"])
def test_an_answer_that_is_put_off_is_waited_for_until_its_deadline(answered: bool) -> None:
    """The callee sees that deadline."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        kept: list[tuple[Reply, float | None]] = []

        def put_off(actor: Any) -> None:
            kept.append((actor.defer_reply(), actor.deadline_s))

        asked_s = asyncio.get_running_loop().time()
        asked = asyncio.get_running_loop().create_task(scene.ref("a").ask(put_off, timeout_s=3.0))
        await asyncio.sleep(1.0)
        assert kept[0][1] == asked_s + 3.0
        assert await scene.ref("a").ask("others") == "others"
        if answered:
            kept[0][0].set("late")
            assert await asked == "late"
            return
        with pytest.raises(AskTimeout):
            await asked
        assert asyncio.get_running_loop().time() == asked_s + 3.0

    play(tree, act)


def test_an_answer_put_off_and_given_at_once_is_the_answer() -> None:
    """`defer_reply` and `set` within one message."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        assert await scene.ref("a").ask(lambda actor: actor.defer_reply().set("here")) == "here"

    play(tree, act)


def test_what_puts_its_answer_off_and_goes_on_is_brought_to_its_end() -> None:
    """As any other message is."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)

        def put_off(actor: Any) -> Any:
            reply = actor.defer_reply()

            async def go_on() -> None:
                await asyncio.sleep(1.0)
                reply.set("then")

            return go_on()

        assert await scene.ref("a").ask(put_off, timeout_s=3.0) == "then"

    play(tree, act)


def test_who_asks_for_ever_gives_the_others_a_turn() -> None:
    """So many answers in a row, then one by the mailbox."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        ran: list[str] = []
        asyncio.get_running_loop().call_soon(ran.append, "another")
        for _ in range(PROMPTS):
            await scene.ref("a").ask("again")
        assert ran == []
        await scene.ref("a").ask("again")
        assert ran == ["another"]

    play(tree, act)


@pytest.mark.filterwarnings("error")
def test_killed_before_it_can_go_on_it_leaves_nothing_begun() -> None:
    """The rest of a message has not begun: it is closed, and its asker told."""

    async def act(scene: Scene) -> None:
        await asyncio.sleep(0)
        a = scene.ref("a")

        async def rest() -> None:
            raise AssertionError("never begun")

        asked = asyncio.get_running_loop().create_task(a.ask(lambda _: rest()))
        await asyncio.sleep(0)
        next(task for task in asyncio.all_tasks() if task.get_name() == "root/a#1").cancel()
        with pytest.raises(ActorDead):
            await asked
        gc.collect()

    play(tree, act)
