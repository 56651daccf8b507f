"""One incarnation of an actor: its task, its loop, its end.

The loop stands in for Pykka's, which blocks, lets an actor live on after a failed ask, and answers `CancelledError` by
stopping every actor of the process. Order of attention: kill, stop, signals (down, links, children), users' messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any

from actors.runtime.bonds import Bonds
from actors.runtime.exits import Crashed, Down, Exit, Killed, Normal, Shutdown, forget_frames, is_abnormal
from actors.runtime.failures import ActorDead, AskTimeout, Caught, Fate
from actors.runtime.ladder import Ladder
from actors.runtime.mailbox import Envelope
from actors.runtime.once import Once
from actors.runtime.reply import Reply
from actors.runtime.report import Context, Report
from actors.runtime.tasks import GRACE_S, Job, Tasks

if TYPE_CHECKING:
    from actors.runtime.actor import Actor
    from actors.runtime.ref import Ref

TURNS = 64
"""Messages handled before the others on the loop get a turn: OTP's reductions."""

PROMPTS = 512
"""Messages handled in their senders' turns before one goes by the mailbox again. More, because the loop mostly turns
between them anyway, and whoever comes after the last of them waits."""


class Cell:
    """Holds what must outlive the actor's own code: whoever waits for its start, its end, or an answer from it."""

    __slots__ = (
        "__weakref__",
        "_cancelled_for",
        "_ladder",
        "_loop",
        "_prompts",
        "_reason",
        "_rest",
        "_task",
        "actor",
        "bonds",
        "deferred",
        "ended",
        "exit_asked",
        "in_hand",
        "ref",
        "shutdown_s",
        "signals",
        "started",
        "tasks",
        "urgent",
    )

    def __init__(self, actor: Actor, ref: Ref, shutdown_s: float | None) -> None:
        self.actor = actor
        self.ref = ref
        self.shutdown_s = shutdown_s
        self.tasks = Tasks(ref.name, ref.system.report)
        self.started: Once[Exit | None] = Once()
        self.ended: Once[Exit] = Once()
        self.exit_asked: Exit | None = None
        self.in_hand: Envelope | None = None
        self.deferred: dict[Reply, None] = {}
        self.signals: deque[Any] = deque()
        self.urgent = False
        self.bonds = Bonds(self)
        self._cancelled_for: Exit | None = None
        self._ladder: Ladder | None = None
        self._prompts = 0
        self._reason: Exit | None = None
        self._rest: Awaitable[Any] | None = None
        self._task: asyncio.Task[Exit] | None = None
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """Make the task. From here on `started` and `ended` will both be settled, whatever happens."""
        ref = self.ref
        mailbox = ref.mailbox
        mailbox.capacity, mailbox.overflow = self.actor.mailbox_capacity, self.actor.overflow
        mailbox.open = mailbox.live = True
        self._task = self._loop.create_task(self._live(), name=f"{ref.name}#{ref.incarnation}")
        self._ladder = Ladder(self._task, self._give_up)
        self._task.add_done_callback(self._task_done)

    # ---- asked from outside

    def stop(self, reason: Exit, grace_s: float | None) -> None:
        """Ask for the end; cancel after `grace_s` (None: never). While it still starts it is cancelled at once."""
        if self.exit_asked is None or isinstance(reason, Killed):
            self.exit_asked = reason
        self._rouse()
        if self._task is None or self._ladder is None:
            return
        self.actor._stop_asked()
        if not self.started.settled and self._cancelled_for is None:
            self._cancelled_for = reason
            self._task.cancel()
        if grace_s is not None:
            self._ladder.climb(grace_s)

    def signal(self, signal: Any) -> None:
        """Queue something that goes before users' messages and is never refused."""
        self.signals.append(signal)
        self._rouse()

    def handle_now(self, envelope: Envelope) -> Any:
        """Handle a message in its sender's turn, as the cell that its mailbox has `resting`: the answer, unless the
        envelope now has a reply to wait for. After some messages it rests no more, so that who asks for ever gives the
        others on the loop a turn.

        An awaitable is awaited, and an exception ends the actor, in the turn of its own that it would have had.
        """
        mailbox = self.ref.mailbox
        self._prompts += 1
        self.in_hand, mailbox.resting = envelope, None
        try:
            answer = self.actor.on_receive(envelope.message)
        except BaseException as error:  # noqa: BLE001 what it means for the actor its own task decides
            self._go_on(envelope, _raising(error))
            return None
        if answer is not None and hasattr(answer, "__await__") and not isinstance(answer, Reply):
            self._go_on(envelope, answer)
            return None
        self.in_hand = None
        if mailbox.waiter is not None and self._prompts < PROMPTS:
            mailbox.resting = self
        if envelope.reply_to is None:
            return answer
        if envelope.reply_to not in self.deferred:
            envelope.reply_to.set(answer)
        return None

    def _go_on(self, envelope: Envelope, rest: Awaitable[Any]) -> None:
        """What is left to do of the message in hand is for the actor's own task."""
        envelope.promise()
        self._rest = rest
        self._rouse()

    def _rouse(self) -> None:
        self.urgent = True
        self.ref.mailbox.wake()

    def drop_downs(self, target: Ref | Job) -> None:
        """Forget a `Down` that waits to be told."""
        self.signals = deque(s for s in self.signals if not (isinstance(s, Down) and s.target is target))

    # ---- the loop

    async def _live(self) -> Exit:
        reason = self._reason = await self._until_exit()
        self._refuse(reason)
        if self._ladder is not None and self.shutdown_s is not None:
            self._ladder.climb(self.shutdown_s)
        with Caught() as caught:
            await self.actor.on_stop(reason)
        if caught.error is not None:
            self._tell(Context.STOP, Crashed(caught.error))
        if self.tasks.count:
            told = reason if isinstance(reason, Shutdown) else Shutdown() if isinstance(reason, Normal) else Killed()
            await self.tasks.stop(told, GRACE_S if self.shutdown_s is None else self.shutdown_s)
        return reason

    async def _until_exit(self) -> Exit:
        try:
            await self.actor.on_start()
            self.started.settle(None)
            return await self._serve()
        except asyncio.CancelledError as error:
            return self._why_cancelled(error)
        except Exception as error:  # noqa: BLE001 the one place where an actor's exception becomes its exit
            envelope = self.in_hand
            return Crashed(error, None if envelope is None else type(envelope.message).__name__)

    async def _serve(self) -> Exit:
        mailbox, receive = self.ref.mailbox, self.actor.on_receive
        queue, resting = mailbox.queue, self if self.actor.prompt else None
        turns = 0
        while True:
            if self.urgent:
                if (reason := await self._attend()) is not None:
                    return reason
            elif not queue or turns >= TURNS:
                turns = self._prompts = 0
                await (asyncio.sleep(0) if queue else mailbox.wait(self._loop, resting))
            elif (envelope := queue.popleft()).reply_to is None or not self._is_expired(envelope, envelope.reply_to):
                turns += 1
                self.in_hand = envelope
                answer = receive(envelope.message)
                if answer is not None and hasattr(answer, "__await__") and not isinstance(answer, Reply):
                    answer = await answer
                if envelope.reply_to is not None and envelope.reply_to not in self.deferred:
                    envelope.reply_to.set(answer)
                self.in_hand = None

    async def _attend(self) -> Exit | None:
        """What goes before messages: the rest of one, the end, a signal. The reason of the end where it is that."""
        if self._rest is not None:
            await self._end_with(self._rest)
        if self.exit_asked is None:
            await self._take_signal()
        return self.exit_asked

    async def _end_with(self, rest: Awaitable[Any]) -> None:
        """Bring a message to its end that was begun in its sender's turn."""
        envelope, self._rest = self.in_hand, None
        answer = await rest
        reply = None if envelope is None else envelope.promise()
        if reply is not None and reply not in self.deferred:
            reply.set(answer)
        self.in_hand = None

    async def _take_signal(self) -> None:
        if not self.signals:
            self.urgent = False
            return
        signal = self.signals.popleft()
        self.in_hand = Envelope(signal)
        pending = self.actor._on_signal(signal)
        if pending is not None:
            await pending
        self.in_hand = None

    def _is_expired(self, envelope: Envelope, reply: Reply) -> bool:
        if not reply.waiter.done():
            if envelope.deadline_s > self.ref.system.ports.clock.now():
                return False
            reply.fail(AskTimeout(self.ref.name))
        self.ref.system.counters.expired += 1
        return True

    def _why_cancelled(self, error: asyncio.CancelledError) -> Exit:
        if self._ladder is not None and self._ladder.fired:
            return Killed()
        if self._cancelled_for is not None:
            return self._cancelled_for
        if self._task is not None and self._task.cancelling():
            return Killed()
        return Crashed(error)  # nobody cancelled us: we awaited something that was cancelled

    # ---- the end

    def _refuse(self, reason: Exit) -> None:
        """No asks any more: those in hand, put off and queued end now. Tells stay for the next incarnation."""
        if self.ref.cell is not self:
            return  # it was given up and lives on; the mailbox may be its successor's
        mailbox = self.ref.mailbox
        mailbox.live, mailbox.resting = False, None
        self.actor.actor_stopped.set()
        rest, self._rest = self._rest, None
        if isinstance(rest, Coroutine):
            rest.close()  # cancelled before its first step
        name, in_hand = self.ref.name, self.in_hand
        if in_hand is not None and in_hand.reply_to is not None:
            in_hand.reply_to.fail(ActorDead(name, Fate.MAYBE_HANDLED, reason))
        for reply in tuple(self.deferred):
            reply.fail(ActorDead(name, Fate.MAYBE_HANDLED, reason))
        for envelope in mailbox.take_asks():
            if envelope.reply_to is not None:
                envelope.reply_to.fail(ActorDead(name, Fate.NOT_HANDLED, reason))
        self.in_hand = None

    def _task_done(self, task: asyncio.Task[Exit]) -> None:
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or (self._ladder is not None and self._ladder.closed):
            known = self._reason
            self._finish(known if known is not None and is_abnormal(known) else Killed())
        else:
            self._finish(task.result() if error is None else Crashed(error))

    def _give_up(self) -> None:
        self._tell(Context.LEAKED, Killed())
        self._finish(Killed())

    def _finish(self, reason: Exit) -> None:
        """The actor's code runs no more; what it owned ends now, and only then is its own end told."""
        if self._ladder is None:
            return
        self._ladder.stop()
        self._ladder = None
        self._task = None
        self._refuse(reason)
        left = [*self.tasks.close(), *self.actor._abandon()]
        waiting = len(left)

        def one_less(_: Exit) -> None:
            nonlocal waiting
            waiting -= 1
            if waiting == 0:
                self._publish(reason)

        for ended in left:
            ended.watch(self, one_less)
        if not left:
            self._publish(reason)

    def _publish(self, reason: Exit) -> None:
        self.bonds.release()
        self.signals.clear()
        self.ref.cell = None
        was_started = self.started.settled
        self.ended.settle(reason)
        self.started.settle(reason)
        if was_started:
            forget_frames(reason)

    def _tell(self, context: Context, reason: Exit) -> None:
        name = self.ref.name
        self.ref.system.report(
            Report(supervisor=name.rpartition("/")[0], context=context, reason=reason, offender=name)
        )


async def _raising(error: BaseException) -> None:
    raise error
