"""A port on loopback that takes connections until it is closed: what every server and relay of the tests begins with."""

import socket
import threading

HOST = "127.0.0.1"


class Listener:
    """`serve(connection)` runs on a thread of its own for each connection; `accepted()` before it, one at a time."""

    def __init__(self, serve, accepted=lambda: None):
        self._serve, self._accepted = serve, accepted
        self._socket = socket.socket()
        self._socket.bind((HOST, 0))
        self._socket.listen(16)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        # shutdown() wakes accept(); close() alone would leave it waiting.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._accepted()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
