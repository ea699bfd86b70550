"""Polls BMCs with pyghmi in sessions that are kept, as fast as it goes; run by `compare` in the lab's venv.

    pyghmi_poll.py BMCS SECONDS      prints one JSON object, as poll.rs does
"""

import json
import os
import sys
import time

from pyghmi.ipmi.private.session import Session

TRIES = 3
# pyghmi sleeps for so long at most, even when what we wait for came while it looked elsewhere.
NAP = 0.02


def usage():
    times = os.times()
    return times.user + times.system


def datagrams():
    """Sent in this network namespace since it was made: by clients and, on loopback, by BMCs."""
    with open("/proc/net/snmp") as counters:
        names, values = (line.split() for line in counters if line.startswith("Udp:"))
    return int(values[names.index("OutDatagrams")])


def drive(sessions, start):
    """Calls `start(session, done)` for each and runs pyghmi's loop until all are done; gives how many failed."""
    left, failed = set(sessions), 0

    def finished(session, response):
        nonlocal failed
        left.discard(session)
        failed += "error" in response or response.get("code", 0) != 0

    for session in sessions:
        start(session, finished)
    while left:
        Session.wait_for_rsp(timeout=NAP)
    return failed


def ask(session, done):
    def answered(response):
        # With a callback this is the caller's business.
        session.incommand = False
        while session.evq:
            session.evq.popleft().set()
        done(session, response)

    session.raw_command(0, 1, callback=answered)


def log_in(bmcs):
    """The sessions of those that let us in; some logins time out when all BMCs are asked at once, and are repeated."""
    sessions, waiting, logging_in = [], [(bmc, TRIES) for bmc in bmcs], set()

    def begin(bmc, tries):
        logging_in.add(tuple(bmc))

        def logged(result):
            logging_in.discard(tuple(bmc))
            if "error" not in result:
                sessions.append(session)
            elif tries > 1:
                waiting.append((bmc, tries - 1))

        session = Session(bmc[0], "admin", "secret", port=int(bmc[1]), onlogon=logged)

    while waiting or logging_in:
        while waiting:
            begin(*waiting.pop(0))
        Session.wait_for_rsp(timeout=NAP)
    return sessions


def main():
    bmcs = [line.split() for line in open(sys.argv[1])]
    # The interpreter's own start counts: users wait for it.
    began = time.monotonic() - usage()
    sessions = log_in(bmcs)
    bad = len(bmcs) - len(sessions)
    failed = bad + drive(sessions, ask)
    first = {"wall": time.monotonic() - began, "cpu": usage(), "failed": failed}
    before = datagrams()
    start, cpu, polls, failed = time.monotonic(), usage(), 0, 0
    while time.monotonic() - start < float(sys.argv[2]):
        failed += drive(sessions, ask)
        polls += len(sessions)
    steady = {"wall": time.monotonic() - start, "cpu": usage() - cpu, "polls": polls, "failed": failed}
    steady["datagrams"] = datagrams() - before
    print(json.dumps({"first": first, "steady": steady}), flush=True)
    # Logging out is nobody's measure, and the BMCs end now.
    os._exit(0)


if __name__ == "__main__":
    main()
