"""Goal: the commands of docs/scale.md make certificates with which replicas hand calls on to each
other; they are renewed, and their authority is replaced, without a failed request; and who has no
certificate of the authority, or one of an authority that is gone, is let in by nobody.

Method: the very commands are taken out of the document, only with other hosts, and run in the order
in which it tells; two replicas work with what they make, under load while each is restarted. A
stranger asks the peers' port with a certificate of none, of another authority, of the one that went.
"""
import http.client
import os
import re
import shutil
import ssl
import subprocess
import time

from ha_harness import HERE, SCRATCH, Cluster, Load, check, check_books, equal, free_port

SCALE = os.path.join(HERE, "..", "..", "docs", "scale.md")
NAMES = ("r0", "r1")
FILES = os.path.join(SCRATCH, "certificates")
PORTS = {name: free_port() for name in NAMES}


def blocks():
    """The four blocks of commands, by what they do."""
    with open(SCALE, encoding="utf-8") as file:
        section = re.search(r"### Certificates of peers\n(.*?)\n### ", file.read(), re.DOTALL)[1]
    found = re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    equal(len(found), 4, "blocks of commands in the section")
    return dict(zip(("authority", "certificates", "both", "new alone"), found))


def run(commands):
    """As it stands, but for whose hosts they are."""
    hosts = " ".join(f"{name}.localhost" for name in NAMES)
    commands = re.sub(r'^hosts=".*"$', f'hosts="{hosts}"', commands, flags=re.MULTILINE)
    done = subprocess.run(["sh", "-e", "-c", commands], cwd=FILES, capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 0, f"{commands}: {done.stderr}")


def options_of(name):
    host = f"{name}.localhost"
    return ("--peer-listen", f"127.0.0.1:{PORTS[name]}", "--advertise", f"https://{host}:{PORTS[name]}",
            "--peer-ca", os.path.join(FILES, "cluster-ca.pem"),
            "--peer-cert", os.path.join(FILES, host + ".pem"),
            "--peer-key", os.path.join(FILES, host + ".key"))


def let_in(name, certificate, key):
    """Whether the peers' port of a replica answers who shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    try:
        connection = http.client.HTTPSConnection("127.0.0.1", PORTS[name], timeout=30, context=context)
        connection.request("GET", "/v1/assets")
        status = connection.getresponse().status
        connection.close()
    except OSError:
        return False
    return status in (200, 503)


def kept(name, label):
    """Copies of a replica's certificate and key as they are now."""
    paths = []
    for ending in ("pem", "key"):
        path = os.path.join(FILES, f"{label}.{ending}")
        shutil.copy(os.path.join(FILES, f"{name}.localhost.{ending}"), path)
        paths.append(path)
    return paths


def stranger():
    """A certificate for the same host, of an authority that nobody knows."""
    path, key = os.path.join(FILES, "stranger.pem"), os.path.join(FILES, "stranger.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=r1.localhost", "-addext",
                    "extendedKeyUsage=clientAuth", "-keyout", key, "-out", path],
                   check=True, capture_output=True)
    return path, key


def calls_are_handed_on(cluster):
    with Load(cluster, 2) as load:
        load.work_for(0.5)
    load.finish("handed on")
    load.equal_unless_stalled(load.failures(), [], "requests that failed")
    owner = cluster.wait_owner()
    follower = next(one for one in cluster.replicas if one.name != owner)
    check(follower.counted("tpwallet_forwarded_total") > 0, "the follower handed calls on")
    check(len(load.clients[0].connections) <= len(cluster.replicas), "to whoever owns the lane")


def restarted(cluster, what):
    """All, one after the other, as behind a load balancer: clients ask the others."""
    for replica in cluster.replicas:
        others = [other for other in cluster.replicas if other is not replica]
        with Load(cluster, 2, others) as load:
            load.work_for(0.3)
            replica.stop()
            cluster.wait_owner(replica.name)
            load.work_for(0.3)
            replica.start()
            cluster.wait_warm()
        load.finish(f"{what}: {replica.name}")
        load.equal_unless_stalled(load.failures(), [],
                                  f"requests that failed while {replica.name} was restarted: {what}")
    calls_are_handed_on(cluster)


def ends(cluster):
    return [replica.counted('tpwallet_certificate_end_timestamp_seconds{use="peers"}')
            for replica in cluster.replicas]


def main():
    os.makedirs(FILES)
    commands = blocks()
    run(commands["authority"])
    run(commands["certificates"])
    with Cluster(len(NAMES), each=options_of) as cluster:
        calls_are_handed_on(cluster)
        for end in ends(cluster):
            check(89 < (end - time.time()) / 86400 < 91, f"they are good for 90 days: {end}")
        check(let_in("r0", *kept("r1", "first")), "a replica is let in")
        check(not let_in("r0", None, None), "nobody without a certificate")
        check(not let_in("r0", *stranger()), "nobody of another authority")

        run(commands["certificates"])
        restarted(cluster, "certificates are renewed")

        run(commands["both"])
        restarted(cluster, "both authorities are trusted")
        check(let_in("r0", *kept("r1", "second")), "the old one's certificates are good still")
        run(commands["certificates"])
        restarted(cluster, "certificates are the new one's")
        run(commands["new alone"])
        restarted(cluster, "the old one is gone")
        check(let_in("r0", *kept("r1", "third")), "a replica is let in")
        check(not let_in("r0", os.path.join(FILES, "second.pem"), os.path.join(FILES, "second.key")),
              "nobody of the authority that went")
        check_books(cluster)


main()
