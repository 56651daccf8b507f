"""An asyncio runtime for Pykka: supervised actors, jobs, channels. Knows no LLM and no HTTP; can be used alone."""

from actors.runtime.actor import Actor
from actors.runtime.channel import Channel, ChannelClosed, ChannelTimeout, first_ready
from actors.runtime.counters import Counters
from actors.runtime.dynamic import AlreadyStarted, ChildStopped, DynamicSupervisor, StartChild, StopChild
from actors.runtime.exits import Crashed, Down, Exit, Killed, NoProc, Normal, Shutdown, forget_traceback, is_abnormal
from actors.runtime.failures import ActorDead, AskFailed, AskTimeout, Fate, MailboxFull, StartFailed
from actors.runtime.intensity import Backoff, Intensity, choose_delay, spend_restart
from actors.runtime.keeper import ChildInfo, WhichChildren
from actors.runtime.mailbox import Overflow
from actors.runtime.ports import Clock, Ids, Ports, RandomIds, SystemClock, SystemWall, Wall, system_ports
from actors.runtime.ref import Ref
from actors.runtime.reply import Reply
from actors.runtime.report import Context, Report
from actors.runtime.snapshot import Snapshot
from actors.runtime.spec import AutoShutdown, ChildSpec, Restart, Strategy, SupervisorSpec
from actors.runtime.supervisor import ChildStarted, NoSuchChild, RestartChild, StartRefused, Supervisor
from actors.runtime.system import ActorSystem
from actors.runtime.tasks import Job, Tasks
from actors.runtime.virtual import SimDeadlock, VirtualLoop, run_virtual, virtual_ports

__all__ = [
    "Actor",
    "ActorDead",
    "ActorSystem",
    "AlreadyStarted",
    "AskFailed",
    "AskTimeout",
    "AutoShutdown",
    "Backoff",
    "Channel",
    "ChannelClosed",
    "ChannelTimeout",
    "ChildInfo",
    "ChildSpec",
    "ChildStarted",
    "ChildStopped",
    "Clock",
    "Context",
    "Counters",
    "Crashed",
    "Down",
    "DynamicSupervisor",
    "Exit",
    "Fate",
    "Ids",
    "Intensity",
    "Job",
    "Killed",
    "MailboxFull",
    "NoProc",
    "NoSuchChild",
    "Normal",
    "Overflow",
    "Ports",
    "RandomIds",
    "Ref",
    "Reply",
    "Report",
    "Restart",
    "RestartChild",
    "Shutdown",
    "SimDeadlock",
    "Snapshot",
    "StartChild",
    "StartFailed",
    "StartRefused",
    "StopChild",
    "Strategy",
    "Supervisor",
    "SupervisorSpec",
    "SystemClock",
    "SystemWall",
    "Tasks",
    "VirtualLoop",
    "Wall",
    "WhichChildren",
    "choose_delay",
    "first_ready",
    "forget_traceback",
    "is_abnormal",
    "run_virtual",
    "spend_restart",
    "system_ports",
    "virtual_ports",
]
