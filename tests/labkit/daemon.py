"""The lab's one resident process: parent of every BMC and VM, keeper of serial lines and recorders.

Started by lab.py as `daemon.py LAB.json [--until-pid PID]`, it brings everything up in parallel, prints one JSON line
(`{"ready": true}` or `{"error": ".."}`) and stays until SIGTERM or the end of PID; then it ends its children
and removes the lab's directory. When it is killed itself, the kernel ends the children (PR_SET_PDEATHSIG).
"""

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import layout
import process
import recorder
import serial

HERE = pathlib.Path(__file__).resolve().parent
# Get Channel Authentication Capabilities (IPMI 2.0, section 22.13): answered before any login.
ANYBODY_THERE = bytes.fromhex("0600ff07000000000000000000092018c88100388e04b5")
DEADLINE = float(os.environ.get("LIGHTSOUT_LAB_DEADLINE", "30"))


class Trouble(Exception):
    """Why the lab, or what was asked of it, does not work; shown to the user."""


class Child:
    """One process; `ended` is set when it is gone."""

    def __init__(self, loop, name, argv, log, on_end=None):
        self.name = name
        self.log = log
        self.ended = asyncio.Event()
        self.on_end = on_end
        self.loop = loop
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.identity = process.identity(self.popen.pid)
        self.descriptor = os.pidfd_open(self.popen.pid)
        loop.add_reader(self.descriptor, self.reap)

    def reap(self) -> None:
        self.loop.remove_reader(self.descriptor)
        os.close(self.descriptor)
        self.popen.wait()
        self.ended.set()
        if self.on_end:
            self.on_end()

    def signal(self, number) -> None:
        """To the whole process group: ipmi_sim has its chassis program running now and then."""
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended.wait()

    def last_words(self) -> str:
        text = pathlib.Path(self.log).read_text(errors="replace").strip().splitlines()
        return " | ".join(text[-3:]) or "nothing"


class Node:
    """A node of the lab: what it is made of and what can be done to it."""

    def __init__(self, lab, spec):
        self.lab = lab
        self.spec = spec
        self.name = spec["name"]
        self.home = pathlib.Path(spec["dir"])
        self.child = None
        self.recorder = None

    async def prepare(self) -> None:
        """Everything that must listen before the processes start."""

    def start(self) -> None:
        raise NotImplementedError

    async def answer(self) -> None:
        """Returns when the node can be used; raises Trouble when its process ends."""
        raise NotImplementedError

    def spawn(self, name, argv, on_end=None) -> Child:
        return self.lab.spawn(f"{self.name}/{name}", argv, self.home / f"{name}.log", on_end)

    async def do(self, request) -> None:
        """Carries out a request of the control socket."""
        what = request["do"]
        if what in ("silence", "resume") and self.recorder:
            self.recorder.silent = what == "silence"
        elif what in ("freeze", "thaw") and self.child:
            self.child.signal(signal.SIGSTOP if what == "freeze" else signal.SIGCONT)
        elif what == "kill" and self.child:
            if self.recorder:
                self.recorder.close()
            await self.child.kill()
        elif what == "start":
            if not self.child.ended.is_set():
                raise Trouble(f"{self.name} is running")
            if self.recorder:
                self.recorder.open()
            self.start()
            await self.lab.wait_for(self)
        else:
            raise Trouble(f"`{what}` cannot be done to {self.name}")


class Bmc(Node):
    """A BMC: ipmi_sim or the pyghmi one, with a login on its serial line."""

    async def prepare(self) -> None:
        spec = self.spec
        self.line = self.make_line()
        await self.line.listen(spec["backend"], layout.SERIAL)
        if self.lab.spec["record"]:
            log = self.home / "packets.log"
            try:
                self.recorder = recorder.Recorder(
                    self.lab.loop, spec["address"], spec["backend"], spec["port"], log
                )
            except OSError as error:
                raise Trouble(f"{self.name}: cannot listen on {spec['address']}:{spec['port']}: {error.strerror}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((spec["backend"], spec["port"]))
            except OSError as error:
                raise Trouble(f"{self.name}: {spec['backend']}:{spec['port']} is taken: {error.strerror}")

    def make_line(self):
        return serial.Login(self.home / "serial.log", self.name)

    def start(self) -> None:
        self.line.connected.clear()
        if self.spec["kind"] == "pyghmi":
            spec = self.spec
            self.child = self.spawn("bmc", [
                self.lab.pyghmi, "-B", HERE / "pyghmibmc.py", spec["backend"], spec["port"],
                "--serial", f"{spec['backend']}:{layout.SERIAL}",
                "--suites", ",".join(map(str, spec["suites"])),
                "--outage", spec["outage"], "--state", self.home, *(["--kg", spec["kg"]] if spec["kg"] else []),
            ])
        else:
            self.child = self.spawn("bmc", [
                "ipmi_sim", "-n", "-c", self.home / "lan.conf", "-f", self.home / "cmd.emu", "-s", self.home / "state",
            ])

    async def answer(self) -> None:
        loop = self.lab.loop
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((self.spec["backend"], self.spec["port"]))
            while True:
                with contextlib.suppress(OSError, TimeoutError):
                    sock.send(ANYBODY_THERE)
                    await asyncio.wait_for(loop.sock_recv(sock, 512), 0.2)
                    break
                if self.child.ended.is_set():
                    raise Trouble("its process has ended")
                await asyncio.sleep(0.01)
        await self.line.connected.wait()


class Guest(Bmc):
    """An ipmi_sim joined to a QEMU guest: power means its process, soft means its ACPI button."""

    def __init__(self, lab, spec):
        super().__init__(lab, spec)
        self.machine = None
        (self.home / "machine").touch()

    def make_line(self):
        return serial.Relay(self.home / "serial.log", self.home / "serial.out")

    async def prepare(self) -> None:
        await super().prepare()
        await self.line.listen_machine(self.spec["backend"], layout.GUEST_SERIAL)

    async def answer(self) -> None:
        await super().answer()
        if self.spec["power"]:
            await self.operate("power", "1")

    async def do(self, request) -> None:
        if request["do"] != "machine":
            return await super().do(request)
        await self.operate(request["what"], request["value"])

    async def operate(self, what, value) -> None:
        running = self.machine and not self.machine.ended.is_set()
        if what == "power" and value == "1" and not running:
            self.power_on()
        elif what == "power" and value == "0" and running:
            await self.machine.kill()
        elif what == "reset" and not running:
            raise Trouble("is off")
        elif what in ("reset", "shutdown") and running:
            command = "system_reset" if what == "reset" else "system_powerdown"
            await qmp(self.home / "qmp.sock", command)

    def power_on(self) -> None:
        where = self.spec["backend"]
        boot = (self.home / "boot").read_text().strip()
        if boot == "pxe":
            medium = ["-boot", "n", "-nic", "user,restrict=on,model=e1000"]
        elif boot == "bios":
            medium = ["-boot", "menu=on,splash-time=3000"]
        else:
            medium = self.lab.linux(f"name={self.name}")
        self.machine = self.spawn("machine", [
            *qemu(self.home / "qmp.sock", 256), *medium,
            "-chardev", f"socket,id=ipmi0,host={where},port={layout.GUEST_IPMI},reconnect=2",
            "-device", "ipmi-bmc-extern,id=bmc0,chardev=ipmi0", "-device", "isa-ipmi-bt,bmc=bmc0",
            "-chardev", f"socket,id=ser0,host={where},port={layout.GUEST_SERIAL},reconnect=1",
            "-serial", "chardev:ser0",
        ], self.powered_off)  # fmt: skip
        (self.home / "power").write_text("on\n")

    def powered_off(self) -> None:
        (self.home / "power").write_text("off\n")


class Vm(Node):
    """A QEMU VM with a QMP and a serial socket, running or started paused."""

    def start(self) -> None:
        self.child = self.spawn("vm", [
            *qemu(self.spec["qmp"], 128), *self.lab.linux(f"noipmi name={self.name}"),
            "-serial", f"unix:{self.spec['serial']},server,nowait", *["-S"] * self.spec["paused"],
        ])  # fmt: skip

    async def answer(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await qmp(self.spec["qmp"], "query-status")
                return
            if self.child.ended.is_set():
                raise Trouble("its process has ended")
            await asyncio.sleep(0.02)


def qemu(qmp_path, megabytes) -> list:
    """The machine that all VMs share. Never KVM: it may be present and hang."""
    return [
        "qemu-system-x86_64", "-machine", "pc,graphics=off", "-accel", "tcg", "-m", megabytes, "-nodefaults",
        "-display", "none", "-vga", "none", "-qmp", f"unix:{qmp_path},server,nowait",
    ]  # fmt: skip


async def qmp(path, command) -> None:
    """One command over QEMU's machine protocol, on a connection of its own: the socket serves one client."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        await reader.readline()
        for execute in ("qmp_capabilities", command):
            writer.write(json.dumps({"execute": execute}).encode() + b"\n")
            while True:
                line = await asyncio.wait_for(reader.readline(), 5)
                if not line:
                    raise ConnectionError("QEMU closed the connection")
                if "event" not in json.loads(line):
                    break
    finally:
        writer.close()


class Lab:
    """All of it; the methods are called in the order in which they stand here."""

    KINDS = {"ipmi_sim": Bmc, "pyghmi": Bmc, "guest": Guest, "vm": Vm}

    def __init__(self, loop, spec):
        self.loop = loop
        self.spec = spec
        self.dir = pathlib.Path(spec["dir"])
        self.pyghmi = spec["tools"]["pyghmi"]
        self.children = []
        self.up = False
        self.over = asyncio.Event()
        self.nodes = {node["name"]: self.KINDS[node["kind"]](self, node) for node in spec["nodes"]}

    async def start(self) -> None:
        for node in self.nodes.values():
            await node.prepare()
        self.control = await asyncio.start_unix_server(self.serve, self.spec["control"])
        for node in self.nodes.values():
            node.start()
        await asyncio.gather(*(self.wait_for(node) for node in self.nodes.values()))
        self.up = True
        self.write_processes()

    async def wait_for(self, node) -> None:
        try:
            await asyncio.wait_for(node.answer(), DEADLINE)
        except (Trouble, TimeoutError) as error:
            why = f"no answer within {DEADLINE:g} s" if isinstance(error, TimeoutError) else str(error)
            raise Trouble(f"{node.name} did not come up: {why}; it said: {node.child.last_words()}") from None

    def spawn(self, name, argv, log, on_end) -> Child:
        child = Child(self.loop, name, argv, log, on_end)
        self.children = [other for other in self.children if not other.ended.is_set()] + [child]
        if self.up:
            self.write_processes()
        return child

    def write_processes(self) -> None:
        """What `down` ends when this process can no longer do it."""
        scratch = self.dir / "processes.json.new"
        scratch.write_text(json.dumps({child.name: child.identity for child in self.children}))
        scratch.rename(self.dir / "processes.json")

    def linux(self, append) -> list:
        """What QEMU boots: the tiny guest, or nothing when there is no kernel for it."""
        guest = self.spec["tools"]["guest"]
        if not guest:
            return []
        return [
            "-kernel", f"{guest}/vmlinuz", "-initrd", f"{guest}/initrd.gz", "-append", f"console=ttyS0,115200 {append}",
        ]  # fmt: skip

    async def serve(self, reader, writer) -> None:
        """The control socket: one JSON object a line in, one out."""
        while line := await reader.readline():
            try:
                request = json.loads(line)
                if request["node"] not in self.nodes:
                    raise Trouble(f"the lab has no node {request['node']}")
                await self.nodes[request["node"]].do(request)
                answer = {"ok": True}
            except (Trouble, OSError, TimeoutError) as error:
                answer = {"ok": False, "error": str(error)}
            except (KeyError, ValueError) as error:
                answer = {"ok": False, "error": f"not understood: {error!r}"}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def sweep(self) -> None:
        while True:
            await asyncio.sleep(30)
            for node in self.nodes.values():
                if node.recorder:
                    node.recorder.sweep()

    async def stop(self) -> None:
        for node in self.nodes.values():
            if node.recorder:
                node.recorder.close()
        await asyncio.gather(*(child.kill() for child in self.children))
        shutil.rmtree(self.dir, ignore_errors=True)


def end_with(loop, pid, over) -> None:
    """Sets `over` when that process ends."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        over.set()
        return
    loop.add_reader(descriptor, lambda: (loop.remove_reader(descriptor), over.set()))


async def main(path, until_pid) -> int:
    loop = asyncio.get_running_loop()
    lab = Lab(loop, json.loads(pathlib.Path(path).read_text()))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lab.over.set)
    if until_pid:
        end_with(loop, until_pid, lab.over)
    starting = asyncio.create_task(lab.start())
    over = asyncio.create_task(lab.over.wait())
    await asyncio.wait({starting, over}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if starting.done():
            await starting
            print(json.dumps({"ready": True}), flush=True)
            # The caller's pipe must see its end; what is said later goes to our log.
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            sweeping = asyncio.create_task(lab.sweep())
            await over
            sweeping.cancel()
        else:
            starting.cancel()
    except (Trouble, OSError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    finally:
        await lab.stop()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)))
