"""A TCP proxy of a test's own: passes bytes on, later, not at all, or only seems to be there.

    with FaultProxy("127.0.0.1", 5432) as proxy:  # proxy.port is where it listens
        proxy.delay(0.02, jitter=0.01)   # each piece later by so much
        proxy.cut()                      # connections end, new ones are refused
        proxy.half_open()                # connections stay, and nothing passes any more
        proxy.heal()                     # what was held passes, and new ones are taken
"""
import contextlib
import random
import socket
import threading
import time

PIECE = 65536


class FaultProxy:
    def __init__(self, host, port, seed=1):
        self.target = (host, port)
        self.draw = random.Random(seed)
        self.lock = threading.Condition()
        self.pairs = set()
        self.delay_s = self.jitter_s = 0.0
        self.is_cut = self.is_silent = self.closed = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        self.listener.close()
        self.cut()

    def delay(self, seconds, jitter=0.0):
        self.delay_s, self.jitter_s = seconds, jitter

    def cut(self):
        with self.lock:
            self.is_cut = True
            pairs, self.pairs = self.pairs, set()
            self.lock.notify_all()
        for pair in pairs:
            for side in pair:
                self._end(side)

    def half_open(self):
        with self.lock:
            self.is_silent = True

    def heal(self):
        with self.lock:
            self.is_cut = self.is_silent = False
            self.delay_s = self.jitter_s = 0.0
            self.lock.notify_all()

    @staticmethod
    def _end(side):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
        side.close()

    def _accept(self):
        while not self.closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with self.lock:
            refused = self.is_cut
        if refused:
            self._end(client)
            return
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            self._end(client)
            return
        server.settimeout(None)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self.lock:
            self.pairs.add(pair)
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pass, args=(pair, source, sink), daemon=True).start()

    def _pass(self, pair, source, sink):
        while True:
            try:
                piece = source.recv(PIECE)
            except OSError:
                piece = b""
            with self.lock:
                while self.is_silent and not self.is_cut:
                    self.lock.wait(0.5)
            if not piece:
                break
            if self.delay_s or self.jitter_s:
                time.sleep(self.delay_s + self.draw.random() * self.jitter_s)
            try:
                sink.sendall(piece)
            except OSError:
                break
        with self.lock:
            self.pairs.discard(pair)
        for side in pair:
            self._end(side)
