"""What a lab needs on the machine, brought when it is missing: Debian packages, pyghmi in a venv, a guest kernel.

Everything lands in one cache directory and is made under a lock, so labs that start together do it once.
Called by lab.py before anything is started; never touches a running lab.
"""

import contextlib
import fcntl
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PYGHMI = "1.6.19"
# A changed guest needs a new name, so that a cached one is not taken for it.
GUEST = "guest-1"

# What must exist, and the Debian package that brings it.
SIM = {"/usr/bin/ipmi_sim": "openipmi", "/usr/bin/ipmitool": "ipmitool", "/usr/sbin/ipmipower": "freeipmi-tools", "/usr/bin/setpriv": "util-linux"}
VENV = {"/usr/lib/python3*/ensurepip/__init__.py": "python3-venv"}
MACHINE = {
    "/usr/bin/qemu-system-x86_64": "qemu-system-x86",
    "/usr/share/seabios/bios-256k.bin": "seabios",
    "/usr/lib/ipxe/qemu/*e1000*.rom": "ipxe-qemu",
}
# Console servers that people already have.
PEERS = {
    "/usr/sbin/conserver": "conserver-server",
    "/usr/bin/console": "conserver-client",
    "/usr/sbin/conmand": "conman",
    "/usr/sbin/ser2net": "ser2net",
}
# The file of the static one: a busybox that needs libraries is of no use in the guest.
GUEST_TOOLS = {"/usr/share/doc/busybox-static": "busybox-static", "/usr/bin/cpio": "cpio"}


class Missing(Exception):
    """Something the lab needs is not there and cannot be brought; the text says what to do."""


def cache() -> pathlib.Path:
    """The directory that outlives labs."""
    home = os.environ.get("HOME") or "/tmp"
    path = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache") / "lightsout-lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked():
    """Holds the cache for one process; the kernel lets go when the process dies."""
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def run(argv, **options) -> None:
    """Runs a preparing step; its failure names the step and shows what it said."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", **options
    )
    if done.returncode != 0:
        command = " ".join(map(str, argv))
        raise Missing(f"`{command}` failed with exit status {done.returncode}:\n{done.stdout.strip()}")


def packages(*wanted) -> None:
    """Installs the Debian packages of `wanted` (tables of file to package) whose files are missing."""
    def absent():
        return sorted({package for table in wanted for path, package in table.items() if not glob.glob(path)})

    if not absent():
        return
    with locked():
        need = absent()
        if not need:
            return
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Missing(f"Debian packages are missing; as root: apt-get install {' '.join(need)}")
        say(f"installing Debian packages: {' '.join(need)}")
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        wait = ["-o", "DPkg::Lock::Timeout=300"]
        run(["apt-get", *wait, "-qq", "update"], env=env)
        run(["apt-get", *wait, "-qq", "install", "-y", "--no-install-recommends", *need], env=env)
        if absent():
            raise Missing(f"apt-get installed {' '.join(need)}, but {' '.join(absent())} still lacks its files")


def pyghmi() -> pathlib.Path:
    """The Python of a venv that has pyghmi; made on first use."""
    venv = cache() / f"pyghmi-{PYGHMI}"
    python = venv / "bin" / "python"
    if (venv / "complete").exists():
        return python
    packages(VENV)
    with locked():
        if not (venv / "complete").exists():
            say(f"installing pyghmi {PYGHMI} from PyPI into {venv}")
            shutil.rmtree(venv, ignore_errors=True)
            base = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
            run([base, "-m", "venv", venv])
            run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"pyghmi=={PYGHMI}"])
            (venv / "complete").touch()
    return python


def guest() -> pathlib.Path:
    """The directory with `vmlinuz` and `initrd.gz` of a tiny Linux with a login on ttyS0; made on first use."""
    made = cache() / GUEST
    if (made / "initrd.gz").exists():
        return made
    packages(GUEST_TOOLS)
    with locked():
        if not (made / "initrd.gz").exists():
            with tempfile.TemporaryDirectory(dir=cache()) as scratch:
                say("making the guest: Debian's kernel and a small initramfs")
                run([HERE / "mkguest.sh", scratch])
                made.mkdir(exist_ok=True)
                for name in ("vmlinuz", "initrd.gz"):
                    os.replace(f"{scratch}/{name}", made / name)
    return made
