"""Goal: a stream of events brings each one once and in order, over reconnections and a server that
is killed; a thousand of them hold nobody up, and each ends when its time has come.

Method: the real binary with heartbeats every second. Readers that reconnect with the last id while
transfers are written, the server killed twice in between, and what they read compared with the
pages; then a thousand idle streams with ordinary requests beside them, one too many, a client that
goes away, a key that is revoked, and SIGTERM.
"""
import http.client
import json
import resource
import socket
import threading
import time

from cli_harness import START_S, Server, Stalls, Wallet, check, equal, new_id, sample

HEARTBEAT_S = 1
STREAMS = 1000
WRITES = 600
SOON_S = 120  # on a busy machine; what is waited for takes a second or two
PROMPT_S = 15  # and what has a deadline of START_S must not wait for that
HELD_UP_S = 5


class Stream:
    """One connection: yields (id, type, data) as they come; None for a comment."""

    def __init__(self, address, last=None, key=None, timeout_s=SOON_S):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self.connection.request("GET", "/v1/events", headers=headers)
        self.answer = self.connection.getresponse()

    def blocks(self):
        """Each block of lines up to an empty one; ends when the answer does, cleanly."""
        lines = []
        while line := self.answer.readline():
            line = line.decode().rstrip("\n")
            if line:
                lines.append(line)
                continue
            yield lines
            lines = []

    def events(self):
        for lines in self.blocks():
            fields = dict(line.split(": ", 1) for line in lines)
            if "" in fields or "retry" in fields:
                yield None
                continue
            equal(list(fields), ["id", "event", "data"], "the fields of an event")
            data = json.loads(fields["data"])
            equal((data["id"], data["type"]), (fields["id"], fields["event"]), "field and envelope")
            yield fields["id"]

    def close(self):
        self.connection.close()


class Reader(threading.Thread):
    """Follows the events for ever, with a new connection whenever the old one is lost or `cut`."""

    def __init__(self, server, every):
        super().__init__(daemon=True)
        self.server = server
        self.every = every  # disconnects after so many events; 0: never by itself
        self.ids = []
        self.connections = 0
        self.done = False
        self.start()

    def run(self):
        while not self.done:
            try:
                self.follow()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def follow(self):
        stream = Stream(self.server.address, self.ids[-1] if self.ids else None)
        self.connections += 1
        count = 0
        for event in stream.events():
            if event is not None:
                self.ids.append(event)
                count += 1
            if self.done or (self.every and count >= self.every):
                break
        stream.close()


def await_true(condition, what):
    deadline = time.monotonic() + SOON_S
    while not condition():
        check(time.monotonic() < deadline, f"in time: {what()}")
        time.sleep(0.02)


class Writer(threading.Thread):
    """So many transfers, each again until it is answered."""

    def __init__(self, server, accounts, count):
        super().__init__(daemon=True)
        self.server, self.accounts, self.count = server, accounts, count
        self.written = 0
        self.start()

    def run(self):
        while self.written < self.count:
            item = {"id": new_id(), "debit": self.accounts[0], "credit": self.accounts[1],
                    "asset": "EUR", "amount": "1.00"}
            while not self.write(json.dumps(item)):
                time.sleep(0.05)
            self.written += 1

    def write(self, body):
        try:
            connection = self.server.connection()
            connection.request("POST", "/v1/transfers", body, {"Content-Type": "application/json"})
            status = connection.getresponse().status
            connection.close()
            return status in (200, 201)
        except (OSError, http.client.HTTPException):
            return False


def ids_of_pages(wallet):
    return [json.loads(line)["id"] for line in wallet.run("events").out.splitlines()]


def every_event_once(wallet, server):
    accounts = [wallet.json("account", "create", "--kind", "equity")["id"] for _ in range(2)]
    readers = [Reader(server, every) for every in (0, 0, 1, 7, 50)]
    writer = Writer(server, accounts, WRITES)
    for part in (1, 2):
        await_true(lambda part=part: writer.written >= part * WRITES // 3,
                   lambda: f"{writer.written} written")
        server.kill()
        server.start()
    writer.join(timeout=SOON_S)
    check(not writer.is_alive(), f"{writer.written} of {WRITES} are written")
    wanted = ids_of_pages(wallet)
    check(len(wanted) >= WRITES, f"{len(wanted)} events")
    for reader in readers:
        await_true(lambda reader=reader: len(reader.ids) >= len(wanted),
                   lambda reader=reader: f"{len(reader.ids)} of {len(wanted)} read")
        reader.done = True
        equal(reader.ids, wanted, f"what was read over {reader.connections} connections")
        check(reader.connections >= 3, f"{reader.connections} connections, the server died twice")


def a_heartbeat_comes(server):
    start = time.monotonic()  # none can come sooner than some time after this
    last = Stream(server.address)
    ids = []
    for event in last.events():
        if event is None and ids:
            break
        if event is not None:
            ids.append(event)
    blocks = last.blocks()
    for _ in range(2):
        equal(next(blocks), [": heartbeat"], "what a stream without news says")
    took = time.monotonic() - start
    check(took > 3 * HEARTBEAT_S / 2, f"three heartbeats in {took:.2f} s")
    last.close()


def metric(server, name):
    connection = server.connection()
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sample(text, name)


def open_streams(server):
    return metric(server, "tpwallet_event_streams")


def idle_stream(server, last):
    host, port = server.address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=SOON_S)
    connection.sendall(b"GET /v1/events?after=%s HTTP/1.1\r\nHost: x\r\n"
                       b"Accept: text/event-stream\r\n\r\n" % last.encode())
    return connection


def rest(connection):
    text = b""
    while chunk := connection.recv(65536):
        text += chunk
    return text


def many_hold_nobody_up(wallet, server):
    await_true(lambda: open_streams(server) == 0, lambda: f"{open_streams(server)} are left")
    last = ids_of_pages(wallet)[-1]
    streams = [idle_stream(server, last) for _ in range(STREAMS)]
    await_true(lambda: open_streams(server) == STREAMS, lambda: f"{open_streams(server)} open")
    one_more = Stream(server.address)
    equal(one_more.answer.status, 429, "one too many")
    check(int(one_more.answer.headers["Retry-After"]) >= 1, "and told when to come back")
    equal(json.loads(one_more.answer.read())["code"], "too_busy", "code")

    connection = server.connection()
    with Stalls() as stalls:
        for _ in range(200):
            start = time.monotonic()
            connection.request("GET", "/v1/accounts")
            answer = connection.getresponse()
            answer.read()
            equal(answer.status, 200, "an ordinary request beside them")
            stalls.check_took(start, HELD_UP_S, "nobody is held up")
    account = wallet.json("account", "create", "--kind", "equity")["id"]
    for stream in streams:
        text = b""
        while account.encode() not in text:
            got = stream.recv(65536)
            check(got, f"the stream goes on: {text!r}")
            text += got

    for stream in streams[:10]:
        stream.close()
    await_true(lambda: open_streams(server) == STREAMS - 10, lambda: f"{open_streams(server)} open")
    return streams[10:]


def a_revoked_key_ends_it(wallet, server):
    made = wallet.json("key", "create", "reader", "--scopes", "payments:read")
    stream = Stream(server.address, key=made["secret"])
    equal(stream.answer.status, 200, "the key is good")
    wallet.run("key", "revoke", made["id"])
    start = time.monotonic()
    with Stalls() as stalls:
        blocks = list(stream.blocks())
        stalls.check_took(start, PROMPT_S, "a revoked key ends its stream soon")
    equal(blocks[-1], [": the key was revoked"], "its end")
    equal(Stream(server.address, key=made["secret"]).answer.status, 401, "nor does it open another")


def what_is_no_stream(server):
    connection = server.connection()
    connection.request("HEAD", "/v1/events", headers={"Accept": "text/event-stream"})
    answer = connection.getresponse()
    equal((answer.status, answer.headers["Content-Type"], answer.read()),
          (200, "text/event-stream", b""), "HEAD is answered at once")
    connection.request("GET", "/v1/events", headers={"Accept": "text/event-stream",
                                                     "Last-Event-ID": "soon"})
    answer = connection.getresponse()
    equal((answer.status, json.loads(answer.read())["field"]), (400, "Last-Event-ID"), "a bad id")
    connection.close()


def a_stop_ends_them(server, streams):
    start = time.monotonic()
    with Stalls() as stalls:
        server.stop()
        stalls.check_took(start, PROMPT_S, "a stop does not wait for its deadline")
    for stream in streams:
        text = rest(stream)
        check(text.endswith(b": the server stops; come back\n\n\r\n0\r\n\r\n"),
              f"a whole answer: {text[-200:]!r}")


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * STREAMS + 1000), hard))
    wallet = Wallet("streams")
    wallet.run("init")
    server = Server(wallet, "--plain", "--anonymous", "--heartbeat-s", str(HEARTBEAT_S),
                    "--streams-max", str(STREAMS), "--drain-s", str(START_S)).start()
    try:
        every_event_once(wallet, server)
        a_heartbeat_comes(server)
        a_revoked_key_ends_it(wallet, server)
        what_is_no_stream(server)
        streams = many_hold_nobody_up(wallet, server)
        a_stop_ends_them(server, streams)
    finally:
        if server.process.poll() is None:
            server.kill()


main()
