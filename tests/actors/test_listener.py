"""An attempt in its exchange's own task: one task for both, and each is blamed for its own."""

from __future__ import annotations

import asyncio

import pytest

from actors.messages import Flow
from actors.runtime import run_virtual
from actors.telling import Telling
from router.errors import Reason
from router.upstream.memory import Delay, Scripted, Silence, Step, in_turn
from tests.actors.test_attempt import DONE, said
from tests.fakes.embedded import STREAMED, Embedded, Read, embedded, read

WHOLE = (said("well"), said(finish="stop") + DONE)


def streamed(*steps: Step) -> Scripted:
    """A 200 with this stream."""
    return Scripted(headers=STREAMED, steps=steps)


def attempts_with_a_task() -> list[str]:
    """Names of tasks that are an attempt's: its exchange's name and a number."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return [name for name in names if name.startswith("req-") and "." in name]


def test_only_who_may_be_waited_for_beside_others_has_a_task_of_its_own() -> None:
    """A plain exchange lends its own; one whose caller may leave a provider to be read on cannot."""

    async def main(router: Embedded) -> list[str]:
        opened = router.open()
        await asyncio.sleep(0.5)
        seen = attempts_with_a_task()
        assert (await read(opened)).complete
        return seen

    async def scene(**provider: object) -> list[str]:
        slow = streamed(WHOLE[0], Delay(1.0), WHOLE[1])
        config = {"kind": "openai-compatible", "base_url": "http://p.invalid/v1", "models": ["m"], **provider}
        async with embedded(in_turn(slow), providers={"p0": config}) as router:
            return await main(router)

    assert run_virtual(scene()) == []
    assert len(run_virtual(scene(on_disconnect="drain"))) == 1


def test_the_wait_for_the_end_of_a_connection_is_nothing_of_the_exchange() -> None:
    """The reader has its last word, the exchange has ended, and the attempt is alone with its connection."""

    async def main() -> None:
        async with embedded(in_turn(streamed(*WHOLE, Silence()))) as router:
            opened = router.open()
            got = await read(opened)
            assert got.complete and opened.job is not None
            await asyncio.sleep(0)
            assert opened.job.done
            assert len(attempts_with_a_task()) == 1
            await asyncio.sleep(0.2)
            assert attempts_with_a_task() == []

    run_virtual(main())


def test_a_reader_that_makes_no_room_is_not_its_providers_fault() -> None:
    """The deadline passes while the attempt waits for the reader: that is said, and the circuit hears of no failure."""

    async def main() -> tuple[Read, dict[str, int]]:
        words = [said(f"w{number} ") for number in range(30)]
        async with embedded(in_turn(streamed(*words, *WHOLE))) as router:
            opened = router.open(router={"deadline_s": 5})
            await asyncio.sleep(30)
            got = await read(opened)
            return got, router.assembly.desk.numbers()["p0"].reasons

    got, reasons = run_virtual(main())
    assert got.error is not None and got.error.reason is Reason.DEADLINE
    assert "not read in time" in str(got.error)
    assert not got.complete
    assert reasons == {"deadline": 1}


def test_a_bug_of_the_exchange_is_no_crash_of_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong while a part is told ends the exchange as ours; the unit's other attempts never hear of it."""

    class Clumsy(Exception):
        """A bug."""

    async def main() -> tuple[Read, dict[str, int], int]:
        true = Telling.take

        def take(self: Telling, part: object, target: object) -> None:
            if isinstance(part, Flow):
                raise Clumsy
            true(self, part, target)  # type: ignore[arg-type]

        monkeypatch.setattr(Telling, "take", take)
        async with embedded(in_turn(streamed(*WHOLE)), in_turn(streamed(*WHOLE))) as router:
            got = await read(router.open())
            await asyncio.sleep(1.0)
            numbers = router.assembly.desk.numbers()
            return got, numbers["p0"].reasons, numbers["p1"].attempts

    got, reasons, elsewhere = run_virtual(main())
    assert got.error is not None and got.error.reason is Reason.INTERNAL
    assert (reasons, elsewhere) == ({"client_gone": 1}, 0)
