"""Real Kafka brokers for tests: Apache Kafka 4 from Maven Central, KRaft, on loopback.

As a program it holds brokers for a test in another language: `kafka_harness.py hold COUNT` starts
them, prints "ready HOST:PORT,..." and stops them when its standard input ends. Standard input
takes "kill N", "start N" and "kill-all" meanwhile, each answered with "done".
"""
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from free_port import free_ports  # noqa: E402

VERSION = "4.3.1"
SKIPPED = 77
SLOW_S = 300  # a JVM that begins beside others, on a machine that is busy
QUIET_MS = 4000
QUIET_MS_MAX = 64000
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId>
      <version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
# One core's worth of a busy machine: no second compiler, no parallel collector.
JAVA = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"]


def skip(reason):
    print(f"SKIPPED: {reason}", file=sys.stderr, flush=True)
    sys.exit(SKIPPED)


def libraries():
    """The folder of jars, fetched once per user; nobody waits for Maven twice."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        skip("no java or no mvn (tools/setup.sh --for test)")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    home = os.path.join(cache, "tpwallet-tests")
    folder = os.path.join(home, f"kafka-{VERSION}")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return folder
        with tempfile.TemporaryDirectory(dir=home) as work:
            with open(os.path.join(work, "pom.xml"), "w", encoding="ascii") as pom:
                pom.write(POM)
            found = subprocess.run(
                ["mvn", "-q", "-B", "dependency:copy-dependencies",
                 f"-DoutputDirectory={work}/libs"],
                cwd=work, capture_output=True, text=True, timeout=600, check=False)
            if found.returncode != 0:
                skip(f"Maven Central cannot be reached: {found.stdout[-400:]}")
            os.rename(os.path.join(work, "libs"), folder)
    return folder


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def tool(name, arguments, timeout_s=SLOW_S, **more):
    """Runs a class of Kafka's own tools to its end."""
    command = JAVA + ["-cp", libraries() + "/*", name] + arguments
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s,
                          check=False, **more)


class Guard:
    """TLS by a certificate of an authority of its own, SASL's PLAIN, and rights: nobody who comes this
    way may do what `allow` has not said."""

    def __init__(self, scratch, users):
        self.folder = os.path.join(scratch, "guard")
        self.users = users
        os.makedirs(self.folder)
        self.authority = self._certificates()

    def _certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)
        for name in ("authority", "stranger"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "30",
                    "-subj", f"/CN={name}")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                "broker.key", "-out", "broker.csr", "-subj", "/CN=broker")
        with open(os.path.join(self.folder, "ext"), "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "broker.csr", "-CA", "authority.pem", "-CAkey",
                "authority.key", "-CAcreateserial", "-out", "broker.crt", "-days", "30", "-extfile",
                "ext")
        with open(os.path.join(self.folder, "broker.pem"), "w", encoding="ascii") as file:
            for name in ("broker.key", "broker.crt"):
                with open(os.path.join(self.folder, name), encoding="ascii") as part:
                    file.write(part.read())
        return os.path.join(self.folder, "authority.pem")

    def properties(self, plaintext, controller, guarded):
        here = "127.0.0.1"
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        users = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        name = "listener.name.guarded."
        return f"""
listeners=PLAINTEXT://{here}:{plaintext},CONTROLLER://{here}:{controller},GUARDED://{guarded}
advertised.listeners=PLAINTEXT://{here}:{plaintext},GUARDED://{guarded}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_SSL
{name}sasl.enabled.mechanisms=PLAIN
{name}plain.sasl.jaas.config={module} required {users};
{name}ssl.keystore.type=PEM
{name}ssl.keystore.location={self.folder}/broker.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


class Cluster:
    """`count` brokers that are controllers too, each with data of its own below `scratch`; `guard` is
    a listener more for strangers, as `Guard` has it."""

    def __init__(self, count=1, scratch=None, guard=None):
        self.count = count
        self.guard = guard
        self.scratch = os.path.join(scratch or os.environ["SCRATCH"], "kafka")
        self.libs = libraries()
        self.processes = [None] * count
        ports = free_ports(3 * count)
        self.ports, self.controllers = ports[:count], ports[count:2 * count]
        self.guarded = ",".join(f"127.0.0.1:{port}" for port in ports[2 * count:])
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self._configure()

    def _configure(self):
        cluster = "dHB3YWxsZXQtdGVzdC1rZg"
        voters = ",".join(f"{i + 1}@127.0.0.1:{p}" for i, p in enumerate(self.controllers))
        copies = min(self.count, 3)
        formats = []
        for i in range(self.count):
            folder = self._folder(i)
            os.makedirs(folder)
            with open(self._properties(i), "w", encoding="ascii") as file:
                file.write(f"""process.roles=broker,controller
node.id={i + 1}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{self.ports[i]},CONTROLLER://127.0.0.1:{self.controllers[i]}
advertised.listeners=PLAINTEXT://127.0.0.1:{self.ports[i]}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
default.replication.factor={copies}
min.insync.replicas={(copies + 1) // 2}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={(copies + 1) // 2}
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
log.retention.check.interval.ms=86400000
{self._guard(i)}
""")
            formats.append(subprocess.Popen(
                JAVA + ["-cp", self.libs + "/*", "kafka.tools.StorageTool", "format", "-t",
                        cluster, "-c", self._properties(i)],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                preexec_fn=die_with_parent))
        for one in formats:
            text, _ = one.communicate(timeout=SLOW_S)
            if one.returncode != 0:
                raise RuntimeError(f"format: {text}")

    def _guard(self, i):
        if self.guard is None:
            return ""
        return self.guard.properties(self.ports[i], self.controllers[i],
                                     self.guarded.split(",")[i])

    def _folder(self, i):
        return os.path.join(self.scratch, str(i + 1))

    def _properties(self, i):
        return os.path.join(self._folder(i), "server.properties")

    def launch(self, i):
        with open(os.path.join(self._folder(i), "log"), "ab") as log:
            self.processes[i] = subprocess.Popen(
                JAVA + ["-cp", self.libs + "/*", "kafka.Kafka", self._properties(i)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent)
            self.processes[i].began = log.tell()

    def wait_ready(self, i, deadline_s=SLOW_S):
        path = os.path.join(self._folder(i), "log")
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            with open(path, "rb") as log:
                log.seek(self.processes[i].began)
                text = log.read()
            if b"Kafka Server started" in text:
                return
            if self.processes[i].poll() is not None:
                raise RuntimeError(f"broker {i + 1} ended: {text[-2000:].decode()}")
            time.sleep(0.1)
        raise RuntimeError(f"broker {i + 1} is not ready: {text[-2000:].decode()}")

    def start(self):
        for i in range(self.count):
            self.launch(i)
        for i in range(self.count):
            self.wait_ready(i)
        return self

    def kill(self, i):
        process = self.processes[i]
        if process is None:
            return
        process.kill()
        process.wait()
        self.processes[i] = None

    def restart(self, i):
        self.launch(i)
        self.wait_ready(i)

    def stop(self):
        """Nothing of it is needed any more, so nobody waits for an orderly end."""
        for i in range(self.count):
            self.kill(i)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def allow(self, user, operations, *what):
        """Rights of a user who comes by the guarded listener: `what` is "--topic", "name", ..."""
        words = [word for operation in operations for word in ("--operation", operation)]
        done = tool("org.apache.kafka.tools.AclCommand", [
            "--bootstrap-server", self.bootstrap, "--add", "--allow-principal", f"User:{user}",
            *words, *what])
        if done.returncode != 0:
            raise RuntimeError(f"rights: {done.stdout} {done.stderr}")

    def read_all(self, topic, partition=None, isolation="read_committed", at_least=0):
        """
        Every record of a topic by Kafka's own consumer: (offset, headers, key, value) in order. It
        ends when nothing came for a while, which on a busy machine may be before all came: where
        that is less than `at_least`, it is asked again, with more patience.
        """
        quiet_ms = QUIET_MS
        while True:
            records = self._read(topic, partition, isolation, quiet_ms)
            if len(records) >= at_least or quiet_ms >= QUIET_MS_MAX:
                return records
            quiet_ms *= 4

    def _read(self, topic, partition, isolation, quiet_ms):
        where = ["--partition", str(partition), "--offset", "earliest"] if partition is not None \
            else ["--from-beginning"]
        separator = "\x01"
        done = tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
            "--bootstrap-server", self.bootstrap, "--topic", topic, *where,
            "--isolation-level", isolation, "--timeout-ms", str(quiet_ms),
            "--formatter-property", "print.key=true", "--formatter-property", "print.offset=true",
            "--formatter-property", "print.headers=true",
            "--formatter-property", f"key.separator={separator}"])
        records = []
        for line in done.stdout.splitlines():
            if not line.startswith("Offset:"):
                continue
            offset, headers, key, value = line.split(separator, 3)
            records.append((int(offset.removeprefix("Offset:")), headers, key, value))
        return records


def hold(count):
    with Cluster(count) as cluster:
        print(f"ready {cluster.bootstrap}", flush=True)
        for line in sys.stdin:
            words = line.split()
            if words[:1] == ["kill"]:
                cluster.kill(int(words[1]))
            elif words[:1] == ["start"]:
                cluster.restart(int(words[1]))
            elif words[:1] == ["kill-all"]:
                cluster.stop()
            print("done", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["hold"]:
        hold(int(sys.argv[2]))
