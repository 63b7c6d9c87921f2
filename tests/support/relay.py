"""A relay between a client and a server on loopback: counts what passes, and can cut or delay the connection.

Round trips are what a slow line would charge for: the times that the server answered, the connection and its greeting
included, while the client was still there. A goodbye whose answer is not waited for costs nothing.
"""

import queue
import socket
import threading
import time

from listener import HOST, Listener


class Relay:
    """Serves until close(). `cut_after`: octets from the server after which a connection is cut; None: never.

    `pace`: octets a second that pass from the server on each connection; None: all that come.
    `delay`: seconds on the way, in each direction, from the connect on: the server hears of a connection after
    three of them, the handshake of TCP and the first octets behind it, as over a long line. All that comes sets out
    at once, so a delay takes nothing from the throughput."""

    def __init__(self, port, cut_after=None, pace=None, delay=0):
        self.target, self.cut_after, self.pace, self.delay = port, cut_after, pace, delay
        self.lock = threading.Lock()
        self.reset()
        self._listener = Listener(self._connect)
        self.port = self._listener.port

    def reset(self):
        with self.lock:
            self.bytes_in = self.bytes_out = self.round_trips = self.connections = 0

    def close(self):
        self._listener.close()

    def _connect(self, client):
        time.sleep(3 * self.delay)
        try:
            server = socket.create_connection((HOST, self.target), timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.connections += 1
            self.round_trips += 1  # the handshake of TCP
        # What the client sent before its connection would have stood was on its way with the handshake.
        state = {"client_spoke": True, "client_gone": False, "passed": 0, "open": 2,
                 "since": time.monotonic() - self.delay}
        threading.Thread(target=self._pass, args=(client, server, state, False), daemon=True).start()
        threading.Thread(target=self._pass, args=(server, client, state, True), daemon=True).start()

    def _received(self, source, state, from_server):
        """What comes from the source, each piece when its delay is over."""
        if not self.delay:
            try:
                while octets := source.recv(1 << 16):
                    yield octets
            finally:
                self._gone(state, from_server)
            return
        on_the_way = queue.SimpleQueue()
        threading.Thread(target=self._read_ahead, args=(source, on_the_way, state, from_server), daemon=True).start()
        while True:
            came, octets = on_the_way.get()
            if not from_server and came < state["since"]:
                came = state["since"]
            time.sleep(max(0, came + self.delay - time.monotonic()))
            if not octets:
                return
            yield octets

    def _read_ahead(self, source, on_the_way, state, from_server):
        octets = b"-"
        while octets:
            try:
                octets = source.recv(1 << 16)
            except OSError:
                octets = b""
            if not octets:
                self._gone(state, from_server)
            on_the_way.put((time.monotonic(), octets))

    def _gone(self, state, from_server):
        if not from_server:
            with self.lock:
                state["client_gone"] = True

    def _pass(self, source, sink, state, from_server):
        try:
            for octets in self._received(source, state, from_server):
                self._count(len(octets), state, from_server)
                if from_server and self.cut_after is not None:
                    room = self.cut_after - state["passed"]
                    state["passed"] += len(octets)
                    if len(octets) >= room:
                        sink.sendall(octets[:max(room, 0)])
                        break
                sink.sendall(octets)
                if from_server and self.pace:
                    time.sleep(len(octets) / self.pace)
        except OSError:
            pass
        for one in (sink, source):
            try:
                one.shutdown(socket.SHUT_WR if one is sink and self.cut_after is None else socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            state["open"] -= 1
            last = state["open"] == 0
        if last:
            source.close()
            sink.close()

    def _count(self, size, state, from_server):
        with self.lock:
            if from_server:
                self.bytes_in += size
                self.round_trips += state["client_spoke"] and not state["client_gone"]
                state["client_spoke"] = False
            else:
                self.bytes_out += size
                state["client_spoke"] = True
