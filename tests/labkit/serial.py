"""The nodes' serial lines: a line with a login behind it, and the relay between a BMC and a QEMU guest's ttyS0.

Both write every byte that comes from the BMC's side, that is what somebody typed, into `serial.log`:

    1763683200.123456 6c730d

because the tests assert that a node received not one byte that was not typed. Used by daemon.py.
"""

import asyncio
import contextlib
import time


class Line:
    """A TCP serial line; subclasses say what is at its other end. Several clients may be connected."""

    def __init__(self, path):
        self.log = open(path, "a", buffering=1)
        self.clients = set()
        self.connected = asyncio.Event()
        self.server = None

    async def listen(self, address, port) -> None:
        self.server = await asyncio.start_server(self.serve, address, port)

    async def serve(self, reader, writer) -> None:
        self.clients.add(writer)
        self.connected.set()
        try:
            await self.attached(writer)
            while data := await reader.read(4096):
                self.log.write(f"{time.time():.6f} {data.hex()}\n")
                await self.typed(data, writer)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self.clients.discard(writer)
            writer.close()

    async def attached(self, writer) -> None:
        """A BMC has connected its end of the cable."""

    async def typed(self, data: bytes, writer) -> None:
        """Bytes have come from the BMC."""
        raise NotImplementedError


class Login(Line):
    """A getty that never lets in: echoes, answers each line, knows `flood N` (N lines of 72 bytes as fast as it goes)."""

    def __init__(self, path, name):
        super().__init__(path)
        self.name = name
        self.line = b""

    async def attached(self, writer) -> None:
        writer.write(f"\r\nLab console {self.name}\r\n{self.name} login: ".encode())

    async def typed(self, data: bytes, writer) -> None:
        for byte in data:
            if byte in b"\r\n":
                line, self.line = self.line, b""
                await self.answer(line, writer)
            elif byte in b"\x7f\x08":
                writer.write(b"\x08 \x08" if self.line else b"")
                self.line = self.line[:-1]
            else:
                self.line += bytes([byte])
                writer.write(bytes([byte]) if byte >= 32 else b"^" + bytes([byte + 64]))
        await writer.drain()

    async def answer(self, line: bytes, writer) -> None:
        word, _, count = line.partition(b" ")
        if word == b"flood" and count.isdigit():
            for number in range(int(count)):
                writer.write(
                    b"\r\nline %06d abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ" % number
                )
                if number % 50 == 0:
                    await writer.drain()
            writer.write(b"\r\nFLOOD-DONE")
        writer.write(b"\r\nyou said [%s] len=%d\r\n%s login: " % (line[-60:], len(line), self.name.encode()))


class Relay(Line):
    """A cable that stays up over the guest's power cycles: what the guest prints also goes to `serial.out`."""

    def __init__(self, path, out):
        super().__init__(path)
        self.out = open(out, "ab", buffering=0)
        self.machines = set()
        self.machine_server = None

    async def listen_machine(self, address, port) -> None:
        self.machine_server = await asyncio.start_server(self.serve_machine, address, port)

    async def serve_machine(self, reader, writer) -> None:
        self.machines.add(writer)
        try:
            while data := await reader.read(4096):
                self.out.write(data)
                await self.spread(data, self.clients)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self.machines.discard(writer)
            writer.close()

    async def typed(self, data: bytes, writer) -> None:
        await self.spread(data, self.machines)

    @staticmethod
    async def spread(data, writers) -> None:
        for writer in list(writers):
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
