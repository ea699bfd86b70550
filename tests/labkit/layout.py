"""What a lab consists of: addresses, directories, the files of each BMC and the configuration for lightsout.

A lab owns one `127.X.0.0/16`. A BMC answers on `127.X.0.n`; behind that address stands the recorder, and behind
the recorder, on `127.X.100.n`, the BMC itself (same port: ipmitool refuses SOL through another). Its serial line is
TCP port SERIAL there. Called by lab.py; starts nothing.
"""

import itertools
import json
import os
import pathlib
import re
import socket

HERE = pathlib.Path(__file__).resolve().parent
PORT = 9623  # needs no privilege
SERIAL = 9001  # the node's serial line, as the BMC connects to it
GUEST_IPMI = 9002  # the guest's own BMC interface
GUEST_SERIAL = 9003  # the guest's ttyS0, as QEMU connects to it
PER_NET = 200
# Password and privilege limit of each user: the usual three, an empty password, and the longest there can be.
USERS = {
    "admin": ("secret", 4),
    "oper": ("operpw", 3),
    "viewer": ("viewpw", 2),
    "blank": ("", 4),
    "long": ("12345678901234567890", 4),
}
# Unix socket paths end at 107 bytes; the longest name below a lab's directory is this long.
LONGEST_DIR = 107 - len("/r1n0001/serial.sock")


class Taken(Exception):
    """No address range is free, or something else already listens in this one."""


def claim():
    """Takes a `127.X.0.0/16` for one lab: returns X and the socket that holds it for as long as it is open.

    The kernel lets only one process bind it, whoever it belongs to, and frees it when the last holder dies. A second
    `ipmi_sim` on one address would start without an error and take the traffic, hence also the look for strangers.
    """
    start = os.getpid() % 128
    for step in range(128):
        net = 64 + (start + step) % 128
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind((f"127.{net}.255.254", PORT))
            for port in {PORT, 623}:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind((f"127.{net}.0.1", port if os.geteuid() == 0 or port >= 1024 else PORT))
        except OSError:
            held.close()
            continue
        return net, held
    raise Taken("all of 127.64.0.0 to 127.191.0.0 are in use by other labs")


def plan(options, net: int, directory: pathlib.Path) -> dict:
    """The whole lab as plain data: what `lab.json` holds and `--json` prints."""
    nodes = []

    def bmc(name, kind, **more):
        high, low = divmod(sum("address" in node for node in nodes), PER_NET)
        nodes.append({
            "name": name,
            "kind": kind,
            "dir": str(directory / name),
            "address": f"127.{net}.{high}.{low + 1}",
            "backend": f"127.{net}.{100 * options.record + high}.{low + 1}",
            "port": PORT,
            **more,
        })

    width = max(2, len(str(options.count)))
    for index in range(options.count):
        bmc(f"r1n{index + 1:0{width}}", "ipmi_sim", suites=[3])
    suites = [int(suite) for suite in options.suites.split(",")]
    for index in range(options.pyghmi):
        bmc(f"p1n{index + 1:02}", "pyghmi", suites=suites, outage=options.outage, kg=options.kg)
    if options.guest:
        bmc("g1", "guest", suites=[3])
    if options.vms:
        for name, paused in (("vm1", False), ("vm2", True)):
            home = directory / name
            nodes.append({
                "name": name,
                "kind": "vm",
                "dir": str(home),
                "paused": paused,
                "qmp": str(home / "qmp.sock"),
                "serial": str(home / "serial.sock"),
            })
    for index, node in enumerate(nodes):
        node["power"] = options.power == "on" or (options.power == "mixed" and index % 3 != 2)
    return {
        "v": 1,
        "dir": str(directory),
        "config": str(directory / "config.toml"),
        "password_file": str(directory / "lab.pw"),
        "control": str(directory / "control.sock"),
        "net": net,
        "port": PORT,
        "record": options.record,
        "users": {user: password for user, (password, _) in USERS.items()},
        "nodes": nodes,
    }


def write(lab: dict, options) -> None:
    """Writes the files of every BMC, the password file and the configuration."""
    for index, node in enumerate(lab["nodes"]):
        home = pathlib.Path(node["dir"])
        home.mkdir()
        if node["kind"] == "vm":
            continue
        (home / "power").write_text("on\n" if node["power"] and node["kind"] != "guest" else "off\n")
        (home / "boot").write_text("none\n")
        if node["kind"] != "pyghmi":
            write_sim(home, node, index)
    password = pathlib.Path(lab["password_file"])
    password.touch(mode=0o600)
    password.write_text("secret\n")
    pathlib.Path(lab["config"]).write_text(config(lab, options))
    (pathlib.Path(lab["dir"]) / "lab.json").write_text(json.dumps(lab, indent=1))


def write_sim(home: pathlib.Path, node: dict, index: int) -> None:
    """The files of one `ipmi_sim`; one Python program for all would cost 20 ms per status, hence chassis.sh."""
    (home / "state").mkdir()
    levels = {4: "admin", 3: "operator", 2: "user"}
    users = "\n".join(
        f'  user {number} true "{user}" "{password}" {levels[level]} 10 none md2 md5 straight'
        for number, (user, (password, level)) in enumerate(USERS.items(), start=2)
        if len(password) <= 16  # ipmi_sim proves longer ones wrong
    )
    guest = f"serial 15 {node['backend']} {GUEST_IPMI} codec VM" if node["kind"] == "guest" else ""
    (home / "lan.conf").write_text(f"""name "{node['name']}"
set_working_mc 0x20
  startlan 1
    addr {node['backend']} {node['port']}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa1234567{index + 1:08x}
  endlan
  {guest}
  chassis_control "{HERE}/chassis.sh {home}"
  sol "tcp:{node['backend']}:{SERIAL}" 115200 nortscts
  user 1 true "" "test" user 10 none md2 md5 straight
{users}
""")
    event = "sensor_add 0x20 0 0 35 0x6f event-only\n" if node["kind"] == "guest" else ""
    (home / "cmd.emu").write_text(
        "mc_setbmc 0x20\n"
        "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\n"
        f"sel_enable 0x20 1000 0x0a\n{event}mc_enable 0x20\n"
    )


def config(lab: dict, options) -> str:
    """The configuration: racks, and in a lab of six or more one protected and one read-only node to meet."""
    quote = json.dumps
    out = [
        "# Written by tests/lab; goes with the lab.",
        f"[poll]\ninterval = {quote(options.interval)}\nmin_command_interval = {quote(options.min_command_interval)}",
        f'[credentials.lab]\nusername = "admin"\npassword_file = {quote(lab["password_file"])}',
        "[tags.storage]\nprotected = true",
        "[tags.witness]\nread_only = true",
    ]
    sims = [node["name"] for node in lab["nodes"] if node["kind"] == "ipmi_sim"]
    marked = {sims[-2]: ["storage"], sims[-1]: ["witness"]} if len(sims) >= 6 else {}
    tags = {"ipmi_sim": ["rack1", "compute"], "pyghmi": ["rack2", "compute"], "guest": ["rack2"], "vm": ["vm"]}

    def alike(node):
        net = node["address"].rpartition(".")[0] if "address" in node else node["name"]
        return node["kind"], tags[node["kind"]] + marked.get(node["name"], []), net

    for (kind, tagged, net), block in itertools.groupby(lab["nodes"], alike):
        block = list(block)
        if kind == "vm":
            bmc = f'driver = "qemu", qmp = {quote(block[0]["qmp"])}'
            console = f'transport = "unix", path = {quote(block[0]["serial"])}'
        else:
            address = f"{net}.{span([node['address'].rpartition('.')[2] for node in block])}"
            bmc = f'driver = "ipmi", address = {quote(address)}, port = {PORT}, credentials = "lab"'
            console = 'transport = "sol"'
        stem = re.match(r"(.*?)(\d*)$", block[0]["name"])[1]
        name = stem + span([node["name"].removeprefix(stem) for node in block])
        out.append(
            f"[[node]]\nname = {quote(name)}\ntags = {quote(tagged)}\n"
            f"bmc = {{ {bmc} }}\nconsole = {{ {console} }}"
        )
    return "\n\n".join(out) + "\n"


def span(numbers: list) -> str:
    """`["01", "02", "03"]` as `[01-03]`, one number as it is."""
    return numbers[0] if len(numbers) == 1 else f"[{numbers[0]}-{numbers[-1]}]"
