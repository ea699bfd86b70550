"""The recorder in front of a BMC: passes datagrams on and writes one line for each into `packets.log`.

    1763683200.123456 127.0.0.1:40001 > rakp1 user=admin
    1763683200.124456 127.0.0.1:40001 < rakp4 status=0

`>` is to the BMC, `<` from it. An accepted login is a RAKP 4 with status 0 (IPMI 2.0, section 13.24). It can also
play dead (`silent`) and gone (`close`). Used by daemon.py; `logins` reads the log afterwards.
"""

import socket
import time

PAYLOADS = {
    0x00: "ipmi",
    0x01: "sol",
    0x10: "open-request",
    0x11: "open-response",
    0x12: "rakp1",
    0x13: "rakp2",
    0x14: "rakp3",
    0x15: "rakp4",
}
# An idle client's socket towards the BMC is kept longer than any BMC keeps a session.
IDLE = 180.0


def describe(datagram: bytes) -> str:
    """What a datagram is, as far as an eavesdropper can tell (section 13.6: the session header)."""
    if len(datagram) < 5 or datagram[0] != 6:
        return f"garbage bytes={len(datagram)}"
    if datagram[3] & 0x1F == 6:
        return "ping"
    if datagram[4] != 6:
        return "presession" if datagram[4] == 0 else "ipmi15"
    if len(datagram) < 16:
        return f"garbage bytes={len(datagram)}"
    kind = PAYLOADS.get(datagram[5] & 0x3F, f"payload-{datagram[5] & 0x3F:#x}")
    payload = datagram[16:]
    if kind in ("open-response", "rakp2", "rakp3", "rakp4") and len(payload) > 1:
        return f"{kind} status={payload[1]}"
    if kind == "rakp1" and len(payload) >= 28:
        user = payload[28 : 28 + payload[27]].decode("ascii", "replace")
        return f"{kind} user={''.join(c if c.isprintable() and c != ' ' else '?' for c in user)}"
    return kind


class Recorder:
    """One BMC's front door. `loop` calls its readers; nothing here waits."""

    def __init__(self, loop, address, backend, port, path):
        self.loop = loop
        self.where = (address, port)
        self.backend = (backend, port)
        self.log = open(path, "a", buffering=1)
        self.front = None
        self.upstream = {}
        self.silent = False
        self.open()

    def open(self) -> None:
        """Listens again after `close`. Fails if anything else has the address: no SO_REUSEADDR on purpose."""
        if self.front:
            return
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.setblocking(False)
        self.front.bind(self.where)
        self.loop.add_reader(self.front, self.from_client)

    def close(self) -> None:
        """From here on clients get "port unreachable"."""
        if self.front:
            self.loop.remove_reader(self.front)
            self.front.close()
            self.front = None
        for peer in list(self.upstream):
            self.forget(peer)

    def forget(self, peer) -> None:
        back, _ = self.upstream.pop(peer)
        self.loop.remove_reader(back)
        back.close()

    def sweep(self) -> None:
        """Closes the sockets of clients that are long gone; called now and then."""
        limit = time.monotonic() - IDLE
        for peer, (_, last) in list(self.upstream.items()):
            if last < limit:
                self.forget(peer)

    def write(self, peer, arrow, text) -> None:
        self.log.write(f"{time.time():.6f} {peer[0]}:{peer[1]} {arrow} {text}\n")

    def from_client(self) -> None:
        for datagram, peer in self.drain(self.front):
            if self.silent:
                self.write(peer, ">", f"{describe(datagram)} dropped")
                continue
            self.write(peer, ">", describe(datagram))
            if peer not in self.upstream:
                back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                back.setblocking(False)
                back.connect(self.backend)
                self.loop.add_reader(back, self.from_bmc, peer, back)
                self.upstream[peer] = (back, 0.0)
            back, _ = self.upstream[peer]
            self.upstream[peer] = (back, time.monotonic())
            try:
                back.send(datagram)
            except OSError as error:
                self.write(peer, ">", f"undelivered: {error.strerror}")

    def from_bmc(self, peer, back) -> None:
        for datagram, _ in self.drain(back):
            if self.silent or not self.front:
                self.write(peer, "<", f"{describe(datagram)} dropped")
                continue
            self.write(peer, "<", describe(datagram))
            try:
                self.front.sendto(datagram, peer)
            except OSError as error:
                self.write(peer, "<", f"undelivered: {error.strerror}")

    @staticmethod
    def drain(sock):
        while True:
            try:
                yield sock.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                # An earlier send met no listener (ECONNREFUSED): said when it is read, nothing to pass on.
                continue


def logins(path) -> list:
    """The accepted logins in a `packets.log`: dicts of `time`, `peer`, `user` and `sol` (that login carried SOL)."""
    users, current, found = {}, {}, []
    with open(path) as log:
        for line in log:
            stamp, peer, arrow, kind, *rest = line.split()
            fact = rest[0] if rest else ""
            if kind == "rakp1":
                users[peer] = fact.removeprefix("user=")
            elif (arrow, kind, fact) == ("<", "rakp4", "status=0") and "dropped" not in rest:
                current[peer] = {"time": float(stamp), "peer": peer, "user": users.get(peer, "?"), "sol": False}
                found.append(current[peer])
            elif kind == "sol" and peer in current:
                current[peer]["sol"] = True
    return found
