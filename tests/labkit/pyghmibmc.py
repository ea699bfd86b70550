"""A BMC on top of pyghmi's server (third-party RMCP+ code), run in the venv that provide.py makes.

    pyghmibmc.py ADDR PORT --serial HOST:PORT --state DIR [--suites 3,17] [--kg KEY] [--outage SECONDS]

Beyond pyghmi it has cipher suite 17, exact boot flags, warm and cold reset that drop every session and fall silent,
refusals for a bad user, password or privilege, and payload status. State in DIR/power and DIR/boot (five bytes of
parameter 5 in hex), every command in DIR/log; DIR/refuse.X, DIR/ignore.X and DIR/lag as in chassis.sh.
"""

import argparse
import collections
import contextlib
import hashlib
import hmac
import os
import pathlib
import socket
import struct
import threading
import time

import pyghmi.ipmi.bmc
import pyghmi.ipmi.private.constants as constants
import pyghmi.ipmi.private.serversession as serversession
import pyghmi.ipmi.private.session as ipmisession

from layout import USERS

USER, OPERATOR, ADMINISTRATOR = 2, 3, 4
# Suite by (authentication, integrity, confidentiality) algorithm, and its record for Get Channel Cipher Suites.
SUITES = {(1, 1, 1): 3, (3, 4, 1): 17}
RECORDS = {3: b"\xc0\x03\x01\x41\x81", 17: b"\xc0\x11\x03\x44\x81"}
# RMCP+ status codes (IPMI 2.0, table 13-15).
INVALID_AUTHENTICATION, UNAUTHORIZED_ROLE, UNAUTHORIZED_NAME, BAD_INTEGRITY, NO_MATCHING_SUITE = 4, 0x0A, 0x0D, 0x0F, 0x11
NOT_IN_THIS_STATE, NO_PRIVILEGE = 0xD5, 0xD4
# What a privilege below administrator may not send, by (network function, command).
NEEDS = {(0, 2): OPERATOR, (0, 8): OPERATOR, (6, 2): ADMINISTRATOR, (6, 3): ADMINISTRATOR}


class Session(serversession.ServerSession):
    """One login; pyghmi's own knows suite 3 only and drops refusals in silence."""

    suites = frozenset()
    clientpriv = 0
    maxpriv = 0

    def create_open_session_response(self, request):
        tag = request[0]
        self.clientsessionid = bytes(request[4:8])
        algorithms = authentication, integrity, confidentiality = request[12], request[20], request[28]
        suite = SUITES.get(algorithms)
        if suite not in self.suites:
            known = authentication in {key[0] for key in SUITES}
            status = NO_MATCHING_SUITE if known else INVALID_AUTHENTICATION
            return bytearray([tag, status, 0, 0]) + self.clientsessionid
        self.managedsessionid = os.urandom(4)
        self.privlevel = ADMINISTRATOR
        self.currhashlib, self.currhashlen = (hashlib.sha1, 12) if suite == 3 else (hashlib.sha256, 16)
        chosen = [0, 0, 0, 8, authentication, 0, 0, 0, 1, 0, 0, 8, integrity, 0, 0, 0, 2, 0, 0, 8, confidentiality, 0, 0, 0]
        return bytearray([tag, 0, self.privlevel, 0]) + self.clientsessionid + self.managedsessionid + bytearray(chosen)

    def send(self, kind, tag, status, rest=b""):
        payload = bytearray([tag, status, 0, 0]) + self.clientsessionid + rest
        self.send_payload(payload, constants.payload_types[kind], retry=False)

    def digest(self, key, *parts):
        return hmac.new(key, b"".join(map(bytes, parts)), self.currhashlib).digest()

    def _got_rakp1(self, data):
        tag = data[0]
        self.Rm = bytes(data[8:24])
        self.rolem = data[24]
        self.maxpriv = self.rolem & 7
        self.username = bytes(data[28 : 28 + data[27]])
        password, limit = USERS.get(self.username.decode("utf-8", "replace"), (None, 0))
        if password is None:
            return self.send("rakp2", tag, UNAUTHORIZED_NAME)
        if self.maxpriv > limit:
            return self.send("rakp2", tag, UNAUTHORIZED_ROLE)
        self.uuiddata = self.uuid.bytes
        self.Rc = os.urandom(16)
        self.kuid = password.encode()
        self.role_and_name = bytes([self.rolem, len(self.username)]) + self.username
        proof = self.digest(
            self.kuid, self.clientsessionid, self.managedsessionid, self.Rm, self.Rc, self.uuiddata, self.role_and_name
        )
        self.send("rakp2", tag, 0, self.Rc + self.uuiddata + proof)

    def _got_rakp3(self, data):
        tag, status = data[0], data[1]
        if status != 0:
            return
        expected = self.digest(self.kuid, self.Rc, self.clientsessionid, self.role_and_name)
        if not hmac.compare_digest(expected, bytes(data[8:])):
            return self.send("rakp4", tag, BAD_INTEGRITY)
        self.sik = self.digest(self.kg or self.kuid, self.Rm, self.Rc, self.role_and_name)
        self.k1 = self.digest(self.sik, b"\x01" * 20)
        self.k2 = self.digest(self.sik, b"\x02" * 20)
        self.aeskey = self.k2[:16]
        self.localsid = struct.unpack("<I", self.managedsessionid)[0]
        self.ipmicallback = self.handle_client_request
        self.clientpriv = USER
        self.send("rakp4", tag, 0, self.digest(self.sik, self.Rm, self.managedsessionid, self.uuiddata)[: self.currhashlen])
        self.confalgo = "aes"
        self.integrityalgo = "sha1"  # any value: pyghmi takes hash and length from currhashlib and currhashlen
        self.sequencenumber = 1
        self.sessionid = struct.unpack("<I", self.clientsessionid)[0]

    def sessionless_data(self, data, sockaddr):
        """A datagram that was queued for this session just before a BMC reset dropped it; pyghmi dies of it."""

    def close_server_session(self):
        if self.bmc.owner is self:
            self.bmc.drop_sol()


class Bmc(pyghmi.ipmi.bmc.Bmc):
    """The BMC itself; pyghmi calls the power methods."""

    def __init__(self, options):
        super().__init__({}, port=options.port, address=options.addr)
        self.state = pathlib.Path(options.state)
        self.suites = Session.suites
        self.outage = options.outage
        if options.kg:
            self.set_kg(options.kg)
        self.silent_until = 0.0
        self.owner = None
        self.serial = None
        self.from_node = collections.deque()
        self.log = open(self.state / "log", "a", buffering=1)
        self.flags = bytes(5)
        self.write("boot", self.flags.hex())
        threading.Thread(target=self.pump, args=options.serial.rsplit(":", 1), daemon=True).start()

    def write(self, name, text) -> None:
        (self.state / name).write_text(text + "\n")

    def note(self, text) -> None:
        self.log.write(f"{time.time():.6f} {text}\n")

    def has(self, fault) -> bool:
        return (self.state / fault).exists()

    # The serial line.

    def pump(self, host, port) -> None:
        """Keeps the cable to the node plugged in, in a thread: pyghmi's loop watches its own sockets only."""
        wake = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            try:
                self.serial = socket.create_connection((host, int(port)))
                while data := self.serial.recv(4096):
                    self.from_node.append(data)
                    # Too short to be RMCP: ends wait_for_rsp in `run`, nothing more.
                    wake.sendto(b"\x01", self.serversocket.getsockname())
            except OSError:
                pass
            self.serial = None
            time.sleep(1)

    def iohandler(self, data) -> None:
        if self.serial:
            try:
                self.serial.sendall(data if isinstance(data, bytes) else data.encode())
            except OSError:
                self.note("serial line lost")

    def run(self) -> None:
        while True:
            ipmisession.Session.wait_for_rsp(0.2)
            while self.from_node:
                data = self.from_node.popleft()
                if self.sol:
                    self.sol.send_data(data)

    # Sessions and SOL.

    def sessionless_data(self, data, sockaddr):
        if time.monotonic() >= self.silent_until:
            super().sessionless_data(data, sockaddr)

    def send_cipher_suites(self, myaddr, mylun, clientaddr, clientlun, clientseq, data, sockaddr):
        header = bytearray(b"\x06\x00\xff\x07\x06" + bytes(9))
        body = bytearray([clientaddr, clientlun | (7 << 2)])
        body.append(ipmisession._checksum(*body))
        tail = bytearray([myaddr, mylun | clientseq << 2, 0x54, 0, 1])
        tail += b"".join(RECORDS[suite] for suite in sorted(self.suites))
        tail.append(ipmisession._checksum(*tail))
        message = header + struct.pack("<H", len(body + tail)) + body + tail
        ipmisession._io_sendto(self.serversocket, message, sockaddr)

    def drop_sol(self) -> None:
        if self.owner:
            self.owner.sol_handler = None
        self.activated, self.sol, self.owner = False, None, None

    def activate_payload(self, request, session):
        super().activate_payload(request, session)
        if self.sol and not self.owner:
            self.owner = session

    def deactivate_payload(self, request, session):
        """Not pyghmi's: that closes the session that asks, whoever holds SOL."""
        was = self.activated
        self.drop_sol()
        session.send_ipmi_response(code=0 if was else 0x80)

    def is_active(self) -> bool:
        return True

    # Power.

    def get_power_state(self):
        return (self.state / "power").read_text().strip()

    def power(self, what, change, only_on=False):
        """One power verb: its completion code, and its effect unless a fault file forbids it."""
        if self.has(f"refuse.{what}"):
            return 0xC1
        if only_on and self.get_power_state() == "off":
            return NOT_IN_THIS_STATE
        if change and not self.has(f"ignore.{what}"):
            change()
        return 0

    def later(self, seconds, state) -> None:
        """The power state changes after so long, and DIR/lag on top."""
        with contextlib.suppress(OSError):
            seconds += float((self.state / "lag").read_text())
        if seconds:
            threading.Timer(seconds, self.write, ("power", state)).start()
        else:
            self.write("power", state)

    def power_on(self):
        return self.power("power", lambda: self.later(0, "on"))

    def power_off(self):
        return self.power("power", lambda: self.later(0, "off"))

    def power_cycle(self):
        def change():
            self.later(0, "off")
            self.later(1, "on")

        return self.power("power", change, only_on=True)

    def power_reset(self):
        return self.power("reset", None, only_on=True)

    def pulse_diag(self):
        return self.power("nmi", None, only_on=True)

    def power_shutdown(self):
        return self.power("shutdown", lambda: self.later(0.5, "off"))

    # Commands that pyghmi lacks or does inexactly.

    def reset(self, session, kind) -> None:
        self.note(f"{kind} reset")
        session.send_ipmi_response()
        self.drop_sol()
        self.silent_until = time.monotonic() + self.outage
        for peer, handlers in list(ipmisession.Session.bmc_handlers.items()):
            for key, handler in list(handlers.items()):
                if isinstance(handler, Session):
                    del handlers[key]
            if not handlers:
                del ipmisession.Session.bmc_handlers[peer]

    def handle_raw_request(self, request, session):
        command = request["netfn"], request["command"]
        data = bytes(request["data"])
        self.note(f"{session.username.decode()} {command[0]:#04x} {command[1]:#04x} {data.hex()}".rstrip())
        if time.monotonic() < self.silent_until:
            return
        if session.clientpriv < NEEDS.get(command, 0):
            return session.send_ipmi_response(code=NO_PRIVILEGE)
        match command:
            case (6, 1):
                session.send_ipmi_response(data=[0x20, 0x81, 1, 2, 2, 0xBF, 0, 0, 0, 0, 1])
            case (6, 2):
                self.reset(session, "cold")
            case (6, 3):
                self.reset(session, "warm")
            case (6, 0x4A):
                session.send_ipmi_response(data=[1, int(self.activated), 0])
            case (6, 0x4B):
                holder = self.owner.managedsessionid if self.owner else bytes(4)
                session.send_ipmi_response(data=list(holder) + [0] * 8)
            case (0, 8) if self.has("refuse.boot"):
                session.send_ipmi_response(code=0xC1)
            case (0, 8) if data[0] & 0x7F == 5:
                if not self.has("ignore.boot"):
                    self.flags = data[1:6]
                    self.write("boot", self.flags.hex())
                session.send_ipmi_response()
            case (0, 9) if data[0] & 0x7F == 5:
                session.send_ipmi_response(data=[1, 5, *self.flags])
            case (0, 9):
                session.send_ipmi_response(data=[1, data[0] & 0x7F, 0])
            case _:
                super().handle_raw_request(request, session)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("addr")
    parser.add_argument("port", type=int)
    parser.add_argument("--serial", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--suites", default="3,17")
    parser.add_argument("--kg")
    parser.add_argument("--outage", type=float, default=3.0)
    options = parser.parse_args()
    Session.suites = frozenset(int(suite) for suite in options.suites.split(","))
    # pyghmi makes its sessions by this name.
    serversession.ServerSession = Session
    bmc = Bmc(options)
    # pyghmi interrupts its own wait by a datagram to 127.0.0.1. That must be where it really listens: else it
    # sleeps until a client speaks.
    ipmisession.myself = options.addr
    bmc.run()


if __name__ == "__main__":
    main()
