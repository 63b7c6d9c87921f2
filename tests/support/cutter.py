"""A relay that ends a connection at one chosen place: at a line of the server's, at a byte, in a command.

    cutter = Cutter(port)
    cutter.aim(Place("line", 12, "before"), how="reset")

    Place("line", N, "before")     line N of the server (from 1) came, and none of it passes
    Place("line", N, "after")      line N passed; the connection ends before the client can answer
    Place("byte", N, "after")      N bytes of the server's passed
    Place("command", N, "half")    half of the client's line N passed

A place is counted in each connection from its start. How it ends: "end" (orderly, to both sides), "reset" (a RST), or
"silence": everything stays open and nothing passes any more. With "hold" it does not end: nothing passes from the place
on until go_on(), and all does then.
"""

import collections
import select
import socket
import struct
import threading
import time

from listener import HOST, Listener

PIECE = 1 << 15
SECONDS = 60  # a connection that has not ended by then hangs

Place = collections.namedtuple("Place", "unit number side")


class Cutter:
    """Serves until close(). `cuts`, `lines`, `octets`, `commands`: what was counted since aim().

    watch: called with how many bytes of the server's have passed since aim(), after each piece. pace: bytes of the
    server's a second that pass on each connection; None: all that come."""

    def __init__(self, port, watch=None, pace=None):
        self.target, self.watch, self.pace = port, watch, pace
        self._lock = threading.Condition()
        self._open = 0
        self.aim(None)
        self._listener = Listener(self._serve, self._count_in)
        self.port = self._listener.port

    def aim(self, place, how="end"):
        with self._lock:
            self.place, self.how = place, how
            self.cuts = self.lines = self.octets = self.commands = 0
            self._going = False

    def wait_until_held(self, ended):
        """Waits until a connection has come to the place. False: ended() became true before."""
        with self._lock:
            for _ in range(SECONDS * 20):
                if self.cuts:
                    return True
                if ended():
                    return False
                self._lock.wait(0.05)
        raise TimeoutError("the place was not met, and the program goes on")

    def go_on(self):
        with self._lock:
            self._going = True
            self._lock.notify_all()

    def hold(self):
        with self._lock:
            self.cuts += 1
            self._lock.notify_all()
            self._lock.wait_for(lambda: self._going, SECONDS)

    def settle(self):
        """Waits until every connection has ended on both sides: the server has done all that it will do."""
        with self._lock:
            if not self._lock.wait_for(lambda: not self._open, SECONDS):
                raise TimeoutError("a connection is still open")

    def close(self):
        self._listener.close()

    def _count_in(self):
        with self._lock:
            self._open += 1

    def _serve(self, client):
        try:
            with client, socket.create_connection((HOST, self.target), timeout=SECONDS) as server:
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    one.settimeout(SECONDS)
                try:
                    _Connection(self, client, server).run()
                finally:
                    _finish(server)
        except OSError:
            pass  # one side has gone, which is the end of it
        finally:
            with self._lock:
                self._open -= 1
                self._lock.notify_all()

    def count(self, lines, octets, commands):
        with self._lock:
            self.lines += lines
            self.octets += octets
            self.commands += commands
            passed = self.octets
        if self.watch and octets:
            self.watch(passed)

    def cut(self):
        with self._lock:
            self.cuts += 1


class _Connection:
    """One connection while it lives. Both directions on one thread: what passed is known at every moment."""

    def __init__(self, cutter, client, server):
        self.cutter, self.client, self.server = cutter, client, server
        self.place, self.how = cutter.place, cutter.how
        self.lines = self.octets = self.commands = 0
        self.half = b""  # a command whose end has not come

    def run(self):
        poll = select.poll()  # not select(): a test may have more than 1,024 files open
        sides = {self.client.fileno(): self._from_client, self.server.fileno(): self._from_server}
        for number in sides:
            poll.register(number, select.POLLIN)
        while sides:
            ready = poll.poll(SECONDS * 1000)
            if not ready:
                raise TimeoutError
            for number, _ in ready:
                more = sides[number]()
                if more is None:
                    return self._end()
                if not more:
                    poll.unregister(number)
                    del sides[number]
        return None

    def _from_server(self):
        """Whether more may come; None when this was the place."""
        octets = self.server.recv(PIECE)
        if not octets:
            self.client.shutdown(socket.SHUT_WR)
            return False
        if self.cutter.pace:
            time.sleep(len(octets) / self.cutter.pace)
        room = self._room(octets)
        passing = octets if room is None else octets[:room]
        if passing:
            self.client.sendall(passing)
        lines = passing.count(b"\n")
        self.lines += lines
        self.octets += len(passing)
        self.cutter.count(lines, len(passing), 0)
        if room is None or self.how != "hold":
            return True if room is None else None
        self.place = None
        self.cutter.hold()
        if octets[room:]:
            self.client.sendall(octets[room:])
        return True

    def _room(self, octets):
        """How many of these pass before the place; None: all, and the place is behind them."""
        unit, number, side = self.place or ("", 0, "")
        if unit == "byte":
            room = number - self.octets
            return room if len(octets) >= room else None
        if unit != "line":
            return None
        skip = number - (1 if side == "before" else 0) - self.lines  # ends of lines that pass
        at = 0
        for _ in range(skip):
            at = octets.find(b"\n", at) + 1
            if not at:
                return None
        return at if side == "after" or at < len(octets) else None

    def _from_client(self):
        octets = self.client.recv(1 << 16)
        if not octets:
            self.server.shutdown(socket.SHUT_WR)
            return False
        unit, number, _ = self.place or ("", 0, "")
        if unit != "command":
            self.server.sendall(octets)
            commands = octets.count(b"\n")
            self.commands += commands
            self.cutter.count(0, 0, commands)
            return True
        *whole, self.half = (self.half + octets).split(b"\n")
        for line in whole:
            self.commands += 1
            self.cutter.count(0, 0, 1)
            if self.commands == number:
                self.server.sendall((line + b"\n")[:max(1, len(line) // 2)])
                return None
            self.server.sendall(line + b"\n")
        return True

    def _end(self):
        self.cutter.cut()
        if self.how == "reset":
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.client.close()
        elif self.how == "end":
            self.client.shutdown(socket.SHUT_WR)
        _finish(self.server)
        if self.how != "reset":
            _drain(self.client)  # it closes when it has had enough


def _finish(server):
    """The server learns that the client has gone. It has ended its session when it closes."""
    try:
        server.shutdown(socket.SHUT_WR)
    except OSError:
        return
    _drain(server)


def _drain(side):
    try:
        while side.recv(1 << 16):
            pass
    except OSError:
        pass
