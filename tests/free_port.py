"""Ports on loopback for servers of a test, its own until it ends.

They lie below those that the kernel gives to outgoing connections, so that none of these takes one
while its server is down or not up yet. Each is reserved by an abstract socket named after it, which
another test sees in the same network namespace and which goes with this process.
"""
import errno
import random
import socket

LOWEST, HIGHEST = 20000, 32767
TRIES = 1000
_held = []


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as failure:
            if failure.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def _reserve(port):
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0tpwallet-test-port-{port}")
    except OSError as failure:
        mark.close()
        if failure.errno != errno.EADDRINUSE:
            raise
        return False
    _held.append(mark)
    return True


def free_port():
    for _ in range(TRIES):
        port = random.randint(LOWEST, HIGHEST)
        if _reserve(port) and _is_free(port):
            return port
    raise SystemExit(f"no port of 127.0.0.1 is free between {LOWEST} and {HIGHEST}")


def free_ports(count):
    return [free_port() for _ in range(count)]
