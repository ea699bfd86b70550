"""The lab's command line: `tests/lab up|down|status|open|logins|provide|node`. The resident part is daemon.py."""

import argparse
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
import provide
import recorder

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent


class Trouble(Exception):
    """Why a command cannot be done; shown to the user."""


def default_dir() -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = runtime if runtime and os.path.isdir(runtime) else "/tmp"
    return f"{base}/lightsout-lab-{os.getuid()}"


def load(directory: pathlib.Path):
    """The lab of this directory, or None when there is none."""
    try:
        return json.loads((directory / "lab.json").read_text())
    except FileNotFoundError:
        return None


def identity_of(directory: pathlib.Path):
    """The identity of the lab's resident process, None before it was started."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads((directory / "daemon.json").read_text())
    return None


def running(directory: pathlib.Path) -> bool:
    who = identity_of(directory)
    return bool(who and process.lives(who))


def up(options) -> dict:
    directory = pathlib.Path(options.dir).absolute()
    if len(str(directory)) > layout.LONGEST_DIR:
        raise Trouble(f"{directory}: the path is longer than {layout.LONGEST_DIR} bytes, too long for its sockets")
    if running(directory):
        raise Trouble(f"a lab is already up in {directory}; `tests/lab down --dir {directory}` ends it")
    tools = {"guest": None, "pyghmi": None}
    provide.packages(provide.SIM, provide.MACHINE if options.guest or options.vms else {})
    if options.pyghmi:
        tools["pyghmi"] = str(provide.pyghmi())
    if options.guest or options.vms:
        try:
            tools["guest"] = str(provide.guest())
        except provide.Missing as error:
            if options.guest:
                raise
            provide.say(f"no kernel for the VMs ({error}); they stop at the firmware's \"No bootable device\"")
    remove(directory)
    try:
        directory.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise Trouble(f"{directory} exists and is no lab; choose another --dir") from None
    # Until the resident process takes over, the lab is ours: nobody else may think it dead.
    (directory / "daemon.json").write_text(json.dumps(process.identity(os.getpid())))
    net, held = layout.claim()
    lab = layout.plan(options, net, directory)
    lab["tools"] = tools
    layout.write(lab, options)
    start(directory, held, options.until_pid)
    return lab


def start(directory: pathlib.Path, held, until_pid: int) -> None:
    """Starts the resident process and waits for its word; `held` keeps the addresses ours in it."""
    argv = [sys.executable, "-B", "-s", HERE / "daemon.py", directory / "lab.json", str(until_pid)]
    with open(directory / "daemon.log", "wb") as log:
        daemon = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            pass_fds=[held.fileno()],
        )
    (directory / "daemon.json").write_text(json.dumps(process.identity(daemon.pid)))
    line = daemon.stdout.readline()
    if not line:
        daemon.wait()
        words = "the lab was removed"
        with contextlib.suppress(OSError):
            words = (directory / "daemon.log").read_text().strip()
        shutil.rmtree(directory, ignore_errors=True)
        raise Trouble(f"the lab's resident process ended while starting: {words}")
    answer = json.loads(line)
    if "error" in answer:
        daemon.wait()
        raise Trouble(answer["error"])


def down(directory: pathlib.Path) -> bool:
    """Ends what the lab started and removes it; False when there was none."""
    who = identity_of(directory)
    if who and not process.end(who, signal.SIGTERM, 10):
        process.end(who, signal.SIGKILL, 10)
    there = load(directory) is not None
    remove(directory)
    return bool(who) or there


def remove(directory: pathlib.Path) -> None:
    """Removes what a lab left behind whose resident process is dead; nothing that is not a lab's."""
    if not any((directory / name).exists() for name in ("lab.json", "daemon.json")):
        return
    with contextlib.suppress(OSError, ValueError):
        for who in json.loads((directory / "processes.json").read_text()).values():
            process.end(who, signal.SIGKILL, 5)
    shutil.rmtree(directory, ignore_errors=True)


def need(options) -> dict:
    directory = pathlib.Path(options.dir).absolute()
    lab = load(directory)
    if not lab or not running(directory):
        raise Trouble(f"no lab is up in {directory}")
    return lab


def describe(lab: dict) -> str:
    lines = []
    for node in lab["nodes"]:
        if node["kind"] == "vm":
            where = f"{node['qmp']}  {node['serial']}"
        else:
            where = f"{node['address']}:{node['port']}  suites {','.join(map(str, node['suites']))}"
        lines.append(f"  {node['name']:8} {node['kind']:9} {where}")
    users = ", ".join(f"{user}/{password}" for user, password in lab["users"].items())
    bmcs = [node for node in lab["nodes"] if node["kind"] != "vm"]
    lines.append(f"  users     {users}")
    if bmcs:
        lines.append(
            f"  by hand   IPMITOOL_PASSWORD=secret ipmitool -I lanplus -C 3 -H {bmcs[0]['address']} "
            f"-p {bmcs[0]['port']} -U admin -E power status"
        )
    lines.append(f"  open      cargo run --release --quiet -- --config {lab['config']}")
    return "\n".join(lines)


def command_up(options) -> int:
    lab = up(options)
    if options.json:
        print(json.dumps(lab))
    else:
        print(f"lab up in {lab['dir']}\n{describe(lab)}\n  down      tests/lab down --dir {lab['dir']}")
    return 0


def command_down(options) -> int:
    directory = pathlib.Path(options.dir).absolute()
    print(f"lab in {directory} is down" if down(directory) else f"no lab in {directory}")
    return 0


def command_status(options) -> int:
    lab = need(options)
    if options.json:
        print(json.dumps(lab))
        return 0
    print(f"lab up in {lab['dir']}\n{describe(lab)}")
    for node in lab["nodes"]:
        home = pathlib.Path(node["dir"])
        if node["kind"] != "vm":
            power, boot = ((home / name).read_text().strip() for name in ("power", "boot"))
            print(f"  {node['name']:8} power {power:3} boot {boot}")
    return 0


def command_open(options) -> int:
    directory = pathlib.Path(options.dir).absolute()
    ours = not running(directory)
    if ours:
        options.until_pid = os.getpid()
    # First what takes long, with cargo's own progress to look at.
    if subprocess.run(["cargo", "build", "--release"], cwd=PROJECT).returncode != 0:
        raise SystemExit("tests/lab: lightsout could not be built")
    lab = up(options) if ours else load(directory)
    # ctrl-c belongs to the console; we only wait for its end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cargo = ["cargo", "run", "--release", "--quiet", "--", "--config", lab["config"], *options.arguments]
    try:
        return subprocess.run(cargo, cwd=PROJECT).returncode
    finally:
        if ours:
            down(directory)


def command_logins(options) -> int:
    lab = need(options)
    for node in lab["nodes"]:
        log = pathlib.Path(node["dir"]) / "packets.log"
        if not log.exists():
            continue
        found = recorder.logins(log)
        gaps = [later["time"] - earlier["time"] for earlier, later in zip(found, found[1:])]
        smallest = min(gaps, default=None)
        if options.json:
            print(json.dumps({"node": node["name"], "logins": found, "smallest_gap": smallest}))
            continue
        gap = "-" if smallest is None else f"{smallest:.3f} s"
        print(f"{node['name']}: {len(found)} logins, smallest gap {gap}")
        for login, before in zip(found, [None, *gaps]):
            after = "" if before is None else f"  after {before:.3f} s"
            sol = "  carried SOL" if login["sol"] else ""
            print(f"  {login['time']:.3f}  {login['user']}  from {login['peer']}{after}{sol}")
    return 0


def command_provide(options) -> int:
    provide.packages(provide.SIM, provide.MACHINE, provide.VENV, provide.GUEST_TOOLS, provide.PEERS)
    provide.pyghmi()
    provide.guest()
    return 0


def command_node(options) -> int:
    need(options)
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(pathlib.Path(options.dir).absolute() / "control.sock"))
        control.sendall(json.dumps({"do": options.what, "node": options.node}).encode() + b"\n")
        answer = json.loads(control.makefile().readline())
    if not answer["ok"]:
        raise Trouble(answer["error"])
    return 0


def parse(argv):
    parser = argparse.ArgumentParser(prog="tests/lab", description="Real BMCs and machines on loopback.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, run, help):
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(run=run)
        command.add_argument("--dir", default=default_dir(), help="the lab's directory (%(default)s)")
        return command

    def add_shape(command, power):
        switch = argparse.BooleanOptionalAction
        command.add_argument("count", nargs="?", type=int, default=6, metavar="N", help="ipmi_sim BMCs (%(default)s)")
        command.add_argument("--pyghmi", type=int, default=2, metavar="K", help="pyghmi BMCs (%(default)s)")
        command.add_argument("--guest", action=switch, default=True, help="an ipmi_sim joined to a QEMU guest")
        command.add_argument("--vms", action=switch, default=True, help="a running and a paused QEMU VM")
        command.add_argument("--record", action=switch, default=True, help="a packet recorder in front of each BMC")
        command.add_argument("--power", choices=["off", "on", "mixed"], default=power, help="at start (%(default)s)")
        command.add_argument("--suites", default="3,17", help="cipher suites of the pyghmi BMCs (%(default)s)")
        command.add_argument("--kg", help="the BMC key (Kg) of the pyghmi BMCs, else none")
        command.add_argument("--outage", type=float, default=3.0, help="silence after a BMC reset, s (%(default)s)")
        command.add_argument("--interval", default="10s", help="poll interval in the configuration (%(default)s)")
        command.add_argument("--min-command-interval", default="5s", help="likewise (%(default)s)")
        command.add_argument("--until-pid", type=int, default=0, metavar="PID", help="the lab ends with this process")

    command = add("up", command_up, "start a lab; returns when every BMC and VM answers")
    add_shape(command, "off")
    command.add_argument("--json", action="store_true", help="print its description as JSON")
    add("down", command_down, "end what `up` started and remove the directory; safe to call twice")
    command = add("status", command_status, "what runs where")
    command.add_argument("--json", action="store_true", help="print the description as JSON")
    command = add("open", command_open, "bring a lab up, or take the running one, and open lightsout on it")
    add_shape(command, "mixed")
    command = add("logins", command_logins, "accepted logins of each BMC and their smallest gap, from its packets")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    add("provide", command_provide, "install what any lab needs and make the guest; starts nothing")
    command = add("node", command_node, "do something to one node's BMC or VM from outside")
    command.add_argument("what", choices=["silence", "resume", "freeze", "thaw", "kill", "start"])
    command.add_argument("node")

    # Everything after `--` goes to lightsout itself.
    argv, rest = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    options = parser.parse_args(argv)
    options.arguments = rest
    return options


def main() -> int:
    options = parse(sys.argv[1:])
    try:
        return options.run(options)
    except (Trouble, provide.Missing, layout.Taken) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
