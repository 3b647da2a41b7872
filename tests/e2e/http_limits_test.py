"""Goal: no client can hold, confuse or crowd out the server, whatever it sends and however slowly.

Method: raw sockets against the real binary. Ten thousand connections stand idle while others are
served; slow ones drip a byte a second and must be cut off in their total time, although they are
never inactive; what is not strict HTTP is refused with problem details and a closed connection.
"""
import json
import resource
import select
import socket
import threading
import time

from cli_harness import Stalls, Wallet, check, equal, serving

IDLE = 10_000
FILES_RESERVED = 600
HEADERS_S, BODY_S, SLACK_S = 10, 30, 10
AT_ONCE_S = 5
IDLE_S = 50  # so long a connection may be idle by far
POST = b"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=60)


def rest(connection):
    """All that comes until the server closes."""
    text = b""
    try:
        while chunk := connection.recv(65536):
            text += chunk
    except ConnectionError:
        pass
    return text


def livez(address):
    with connect(address) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return rest(connection)


def status_of(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def what_is_refused(address):
    cases = [
        (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, "malformed_request"),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
         "malformed_request"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400, "malformed_request"),
        (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "malformed_request"),
        (POST + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", 400, "malformed_request"),
        (POST.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}", 400, "malformed_request"),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 17000 + b"\r\n\r\n", 431,
         "headers_too_large"),
        (POST + b"Content-Length: 99999999\r\n\r\n", 413, "body_too_large"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok", 413, "body_too_large"),
    ]
    for bytes_sent, status, code in cases:
        with connect(address) as connection:
            connection.sendall(bytes_sent)
            answer = rest(connection)
        equal(status_of(answer), status, f"answer to {bytes_sent[:120]!r}: {answer!r}")
        head, body = answer.split(b"\r\n\r\n", 1)
        check(b"application/problem+json" in head, f"problem details: {head!r}")
        equal(json.loads(body)["code"], code, f"code for {bytes_sent[:120]!r}")


def heads_too_large_for_any_answer(address):
    """Far over the limits the library answers by itself, in its own words."""
    for bytes_sent, status in (
            (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 20_000 + b"\r\n", 431)):
        with connect(address) as connection:
            try:
                connection.sendall(bytes_sent)
            except ConnectionError:
                pass
            equal(status_of(rest(connection)), status, "the status")


def a_refused_body_need_not_be_sent(address):
    with connect(address) as connection:
        connection.sendall(POST + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
        answer = rest(connection)
        equal(status_of(answer), 413, f"before the upload, not 100: {answer!r}")


def leave_at_every_byte(address):
    whole = POST + b"Content-Length: 40\r\n\r\n" + b"{" * 40
    for length in range(0, len(whole), 3):
        with connect(address) as connection:
            connection.sendall(whole[:length])


def drip(address, begin, seconds_max, failures, stalls):
    """A byte a second; notes when the connection is not cut off in its total time."""
    start = time.monotonic()
    with connect(address) as connection:
        try:
            connection.sendall(begin)
            while time.monotonic() - start - stalls.sum_s(start, time.monotonic()) < \
                    seconds_max + SLACK_S:
                connection.sendall(b"a")
                readable, _, _ = select.select([connection], [], [], 1)
                if readable and not connection.recv(4096):
                    break
            else:
                failures.append(f"{begin[:60]!r} held for {seconds_max + SLACK_S} s")
        except ConnectionError:
            pass
    took = time.monotonic() - start
    if took < seconds_max / 2:
        failures.append(f"{begin[:60]!r} was cut off after {took:.1f} s: too early")


def slow_clients(address):
    failures = []
    slow = [
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX: ", HEADERS_S),
        (POST + b"Content-Length: 100000\r\n\r\n", BODY_S),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n", BODY_S),
    ]
    with Stalls() as stalls:
        threads = [threading.Thread(target=drip, args=(address, *case, failures, stalls))
                   for case in slow]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            start = time.monotonic()
            equal(status_of(livez(address)), 200, "others are served meanwhile")
            stalls.check_took(start, AT_ONCE_S, "others are served meanwhile, and at once")
            threads[-1].join(timeout=1)
    check(not failures, "; ".join(failures))


def idle_count():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(IDLE, hard - FILES_RESERVED)
    if count < IDLE:
        print(f"NOTE: {count} idle connections instead of {IDLE}: "
              f"the limit of open files is {hard} (it was {soft})")
    return count


def many_idle_connections(server):
    idle = []
    try:
        for _ in range(idle_count()):
            idle.append((connect(server.address), time.monotonic()))
        with Stalls() as stalls:
            for _ in range(20):
                start = time.monotonic()
                equal(status_of(livez(server.address)), 200, "served beside the idle")
                stalls.check_took(start, AT_ONCE_S, "served beside the idle, and at once")
        some = [connection for connection, made in idle[:: -(len(idle) // 100)]
                if time.monotonic() < made + IDLE_S]
        check(some, f"some of {len(idle)} connections are younger than {IDLE_S} s")
        for connection in some:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            equal(status_of(connection.recv(65536)), 200, "an idle one wakes up")
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
            memory = next(line for line in file if line.startswith("VmRSS"))
        print(f"{len(idle)} idle connections, server {memory.split()[1]} KiB resident")
    finally:
        for connection, _ in idle:
            connection.close()


def main():
    wallet = Wallet("limits")
    wallet.run("init")
    with serving(wallet, "--plain", "--anonymous") as server:
        what_is_refused(server.address)
        heads_too_large_for_any_answer(server.address)
        a_refused_body_need_not_be_sent(server.address)
        leave_at_every_byte(server.address)
        many_idle_connections(server)
        slow_clients(server.address)
        equal(status_of(livez(server.address)), 200, "after all that")


main()
