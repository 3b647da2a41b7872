"""Goal: TLS is 1.3, AEAD and (EC)DHE only, and with --client-ca nobody unknown gets in.

Method: `openssl s_client` offers each version and suite; sslscan, where it is installed, must
find the same; client certificates that are missing, of another authority, expired, not yet
valid, made for servers, or right.
"""
import http.client
import os
import select
import shutil
import socket
import ssl
import subprocess
import time
import xml.etree.ElementTree

from cli_harness import SCRATCH, Wallet, check, equal, serving

SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
OTHER_SUITES = {"TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"}
GROUPS = ("X25519", "P-256", "P-384")
OTHER_GROUPS = ("X448", "P-521", "ffdhe2048")


def path(name):
    return os.path.join(SCRATCH, name)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=SCRATCH)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "30", "-subj", f"/CN={name}")


def certificate(name, issuer, usage, *dates):
    """A key and a certificate; dates are options of `openssl ca`, by default a month from now."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    with open(path(f"{name}.cnf"), "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca=it\n[it]\ndatabase={name}.index\nserial={name}.serial\n"
                   f"new_certs_dir=.\ndefault_md=sha256\npolicy=any\nx509_extensions=leaf\n"
                   f"certificate={issuer}.pem\nprivate_key={issuer}.key\n"
                   "[any]\ncommonName=supplied\n"
                   f"[leaf]\nsubjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage={usage}\n")
    with open(path(f"{name}.index"), "w", encoding="ascii"):
        pass
    with open(path(f"{name}.serial"), "w", encoding="ascii") as file:
        file.write("01\n")
    openssl("ca", "-batch", "-notext", "-config", f"{name}.cnf", "-in", f"{name}.csr", "-out",
            f"{name}.pem", *(dates or ("-days", "30")))


def s_client(address, *options):
    """What a handshake comes to: (worked, all that openssl printed)."""
    done = subprocess.run(["openssl", "s_client", "-connect", address, "-CAfile",
                           path("servers.pem"), *options],
                          input=b"", capture_output=True, check=False, timeout=60)
    text = (done.stdout + done.stderr).decode(errors="replace")
    return "Verify return code: 0 (ok)" in text and "Cipher is (NONE)" not in text, text


def versions_and_suites(address):
    for version in ("-tls1", "-tls1_1", "-tls1_2"):
        worked, text = s_client(address, version, "-cipher", "ALL:@SECLEVEL=0")
        check(not worked, f"{version} is refused: {text}")
    for suite in SUITES:
        worked, text = s_client(address, "-tls1_3", "-ciphersuites", suite)
        check(worked and f"Cipher is {suite}" in text, f"{suite} is taken: {text}")
    for suite in OTHER_SUITES:
        worked, text = s_client(address, "-tls1_3", "-ciphersuites", suite)
        check(not worked, f"{suite} is refused: {text}")
    for group in GROUPS:
        worked, text = s_client(address, "-tls1_3", "-groups", group)
        check(worked, f"group {group} is taken: {text}")
    for group in OTHER_GROUPS:
        worked, text = s_client(address, "-tls1_3", "-groups", group)
        check(not worked, f"group {group} is refused: {text}")
    worked, text = s_client(address, "-tls1_3", "-no_ticket")
    check("Early data was not sent" in text, f"no early data: {text}")


def scan(address):
    if shutil.which("sslscan") is None:
        print("NOTE: sslscan is not installed: only openssl looked")
        return
    done = subprocess.run(["sslscan", "--xml=-", address], capture_output=True, check=True,
                          timeout=120)
    tree = xml.etree.ElementTree.fromstring(done.stdout)
    enabled = {(item.get("type"), item.get("version")) for item in tree.iter("protocol")
               if item.get("enabled") == "1"}
    equal(enabled, {("tls", "1.3")}, "the protocols that sslscan finds")
    equal({item.get("cipher") for item in tree.iter("cipher")}, SUITES, "its suites")
    heartbleed = [item.get("vulnerable") for item in tree.iter("heartbleed")]
    check("1" not in heartbleed, "no heartbleed")


def context(name=None):
    made = ssl.create_default_context(cafile=path("servers.pem"))
    if name is not None:
        made.load_cert_chain(path(f"{name}.pem"), path(f"{name}.key"))
    return made


def get(address, client=None):
    """The answer to GET /livez, or None when the server does not let us in."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPSConnection(host, int(port), context=context(client), timeout=30)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse()
    except (ssl.SSLError, ConnectionError):
        return None
    finally:
        connection.close()


def plain_text_is_no_way_in(address):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        plain.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = plain.recv(4096)
        except ConnectionError:
            answer = b""
    check(b"HTTP/" not in answer, f"no HTTP without TLS: {answer!r}")


HANDSHAKE_S, SLACK_S = 10, 10


def closed_within(connection, seconds):
    """Whether the server closes, having had nothing more to say."""
    readable, _, _ = select.select([connection], [], [], seconds)
    if not readable:
        return False
    try:
        return connection.recv(4096) == b""
    except ConnectionError:
        return True


def handshakes_end_in_time_and_idle_clients_stay(address):
    host, port = address.rsplit(":", 1)
    start = time.monotonic()
    silent = socket.create_connection((host, int(port)), timeout=30)
    partial = socket.create_connection((host, int(port)), timeout=30)
    partial.sendall(bytes.fromhex("16030100ff010000fb0303"))
    idle = context().wrap_socket(socket.create_connection((host, int(port)), timeout=30),
                                 server_hostname="localhost")
    for connection in (silent, partial):
        check(closed_within(connection, HANDSHAKE_S + SLACK_S), "a handshake that stalls ends")
        check(time.monotonic() - start > HANDSHAKE_S / 2, "but not at once")
        connection.close()
    check(not closed_within(idle, HANDSHAKE_S / 2), "one that has shaken hands may be idle")
    idle.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    check(idle.recv(4096).startswith(b"HTTP/1.1 200"), "and is served")
    idle.close()


def server_alone(wallet):
    with serving(wallet, "--tls-cert", path("server.pem"), "--tls-key", path("server.key")) as it:
        versions_and_suites(it.address)
        scan(it.address)
        plain_text_is_no_way_in(it.address)
        handshakes_end_in_time_and_idle_clients_stay(it.address)
        answer = get(it.address)
        equal(answer.status, 200, "GET /livez")
        check(int(answer.getheader("Strict-Transport-Security").split("=")[1]) >= 31536000, "HSTS")


def client_certificates(wallet):
    certificate("right", "clients", "clientAuth")
    certificate("server_only", "clients", "serverAuth")
    certificate("stranger", "strangers", "clientAuth")
    certificate("expired", "clients", "clientAuth", "-startdate", "20200101000000Z", "-enddate",
                "20200201000000Z")
    certificate("future", "clients", "clientAuth", "-startdate", "20480101000000Z", "-enddate",
                "20490101000000Z")
    with serving(wallet, "--tls-cert", path("server.pem"), "--tls-key", path("server.key"),
                 "--client-ca", path("clients.pem")) as it:
        for name in (None, "server_only", "stranger", "expired", "future"):
            check(get(it.address, name) is None, f"refused: {name}")
        answer = get(it.address, "right")
        check(answer is not None, "the right certificate is let in")
        equal(answer.status, 200, "GET /livez")
        check(get(it.address) is None, "and nobody behind it")


def files_that_do_not_fit(wallet):
    certificate("other", "servers", "serverAuth")
    cases = [
        ("server.pem", "other.key", None, "not the certificate's key"),
        ("server.key", "server.key", None, "no certificate"),
        ("missing.pem", "server.key", None, "no such file"),
        ("server.pem", "server.key", "server.key", "an authority that is none"),
    ]
    for cert, key, authorities, what in cases:
        words = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", path(cert), "--tls-key",
                 path(key)]
        if authorities:
            words += ["--client-ca", path(authorities)]
        result = wallet.run(*words, code=None)
        check(result.code != 0, f"{what} is refused: {result!r}")


def main():
    for name in ("servers", "clients", "strangers"):
        authority(name)
    certificate("server", "servers", "serverAuth")
    wallet = Wallet("tls")
    wallet.run("init")
    wallet.run("key", "create", "tester")
    server_alone(wallet)
    client_certificates(wallet)
    files_that_do_not_fit(wallet)


main()
