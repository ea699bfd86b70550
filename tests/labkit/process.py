"""Processes by pid and start time, so that a recycled pid is never taken for one of ours. Used by lab.py and daemon.py."""

import os
import select
import signal


def start_time(pid: int):
    """The kernel's start time of a living process (clock ticks since boot), or None when it is dead or a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def identity(pid: int) -> list:
    """What `lives` and `end` recognise a process by."""
    return [pid, start_time(pid)]


def lives(who) -> bool:
    """Whether the process of this identity still runs."""
    pid, started = who
    return started is not None and start_time(pid) == started


def end(who, number, seconds: float) -> bool:
    """Signals that very process and waits for its end; False if it outlives `seconds`."""
    try:
        # The descriptor stands for one process: checked after it is open, it cannot become another.
        descriptor = os.pidfd_open(who[0])
    except OSError:
        return True
    try:
        if not lives(who):
            return True
        signal.pidfd_send_signal(descriptor, number)
        return bool(select.select([descriptor], [], [], seconds)[0])
    except ProcessLookupError:
        return True
    finally:
        os.close(descriptor)
