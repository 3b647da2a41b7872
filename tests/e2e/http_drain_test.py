"""Goal: on SIGTERM every request that the server has begun is answered, and nobody is waited for
who has not begun one.

Method: uploads that are half way when the signal comes, idle connections, and one that never
finishes; then the exit code, the answers, and the ledger.
"""
import json
import signal
import socket
import time

from cli_harness import START_S, Server, Wallet, check, equal, new_id

UPLOADS = 40
DRAIN_S = 10


def connect(server):
    host, port = server.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=START_S)


def rest(connection):
    text = b""
    try:
        while chunk := connection.recv(65536):
            text += chunk
    except ConnectionError:
        pass
    return text


def begin_upload(server, body):
    """Everything but the last byte; returns when the server has begun to read it."""
    connection = connect(server)
    connection.sendall(b"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                       b"\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    head = connection.recv(4096)
    check(head.startswith(b"HTTP/1.1 100"), f"the upload may begin: {head!r}")
    connection.sendall(body[:-1])
    return connection


def main():
    wallet = Wallet("drain")
    wallet.run("init")
    accounts = [wallet.json("account", "create", "--kind", "equity")["id"] for _ in range(2)]
    server = Server(wallet, "--plain", "--anonymous", "--drain-s", str(DRAIN_S)).start()
    idle = [connect(server) for _ in range(20)]
    idle[0].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    check(idle[0].recv(65536).startswith(b"HTTP/1.1 200"), "kept alive, and idle again")
    uploads = []
    for _ in range(UPLOADS):
        item = {"id": new_id(), "debit": accounts[0], "credit": accounts[1], "asset": "EUR",
                "amount": "1.00"}
        body = json.dumps(item).encode()
        uploads.append((item["id"], body, begin_upload(server, body)))
    never = begin_upload(server, b"{" * 1000)

    server.process.send_signal(signal.SIGTERM)
    start = time.monotonic()
    for connection in idle:
        equal(rest(connection), b"", "an idle connection is closed without a word")
    check(time.monotonic() - start < DRAIN_S, "before the uploads end")
    for _, body, connection in uploads:
        connection.sendall(body[-1:])
    for transfer, _, connection in uploads:
        answer = rest(connection)
        check(answer.startswith(b"HTTP/1.1 201"), f"{transfer} is answered: {answer!r}")
        check(b"\r\nConnection: close\r\n" in answer, "and told that this was the last")
    check(not rest(never).startswith(b"HTTP/1.1 20"), "what never arrives is not answered as done")
    code = server.process.wait(timeout=START_S)
    took = time.monotonic() - start
    equal(code, 0, f"exit code; {server.tail()}")
    check(took < DRAIN_S + START_S / 2, f"it ends soon after the deadline: {took:.1f} s")
    for transfer, _, _ in uploads:
        equal(wallet.json("transfer", "show", transfer)["outcome"], "ok", "and is in the ledger")


main()
