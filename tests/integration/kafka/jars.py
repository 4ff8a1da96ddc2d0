"""Apache Kafka's jars, from Maven Central, as `kafka.lock` pins them.

The lock names every artifact of the run-time closure as group:artifact:version:sha256. Maven fetches exactly these (in parallel, by the
mirrors and proxies of the user's own settings; BAROGRAPH_MAVEN names another repository), their hashes are checked, and they are kept
in ${XDG_CACHE_HOME:-~/.cache}/barograph/kafka: a second call takes no network and some milliseconds.
"""
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

LOCK = pathlib.Path(__file__).with_name("kafka.lock")
KAFKA = "org.apache.kafka:kafka_2.13"
LOGGER = ("org.slf4j", "slf4j-simple", "1.7.36")  # Kafka brings slf4j's interface alone, and would log nowhere
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
FETCH_SECONDS_MAX = 420
CONNECT_MILLISECONDS, READ_MILLISECONDS, PARALLEL = 10_000, 30_000, 8
# What Maven says when the repository does not answer, as against one that answers and lacks an artifact.
UNREACHABLE = re.compile(r"Could not transfer|Unknown host|UnknownHost|Connect to .* failed|Connection (refused|timed out|reset)"
                         r"|Network is unreachable|No route to host|Temporary failure in name resolution|offline mode")


class MavenUnreachable(Exception):
    """Maven Central (or the mirror in its place) does not answer; the message says how it was noticed."""

    def __str__(self):
        return f"Maven Central cannot be reached: {self.args[0]}"


def locked():
    """[(group, artifact, version, sha256)] in the order of the file."""
    lines = (line.strip() for line in LOCK.read_text().splitlines())
    return [tuple(line.split(":")) for line in lines if line and not line.startswith("#")]


def version():
    return next(version for group, artifact, version, _ in locked() if f"{group}:{artifact}" == KAFKA)


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "barograph/kafka"


def fetch():
    """The jars, as a list of paths; fetched if they are not in the cache. Two processes at once share one download."""
    artifacts = locked()
    name = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / f"{version()}-{name}"
    jars = [folder / f"{artifact}-{version}.jar" for _, artifact, version, _ in artifacts]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "lock", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as fresh:
                copy_with_maven(artifacts, pathlib.Path(fresh))
                check(artifacts, pathlib.Path(fresh, "jars"))
                os.rename(pathlib.Path(fresh, "jars"), folder)
    return jars


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(artifacts, folder):
    expected = {f"{artifact}-{version}.jar": digest for _, artifact, version, digest in artifacts}
    found = {path.name: sha256(path) for path in folder.iterdir()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise RuntimeError(f"{name}: kafka.lock says {expected.get(name)}, Maven brought {found.get(name)}")


def project(artifacts, transitive=False):
    """A pom that wants these artifacts and, unless transitive, nothing that they want themselves."""
    exclusions = "" if transitive else \
        "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    wanted = "".join(f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>{exclusions}"
                     "</dependency>\n" for group, artifact, version in artifacts)
    return ("<project><modelVersion>4.0.0</modelVersion><groupId>barograph</groupId><artifactId>kafka-for-tests</artifactId>"
            f"<version>1</version><packaging>pom</packaging><dependencies>\n{wanted}</dependencies></project>\n")


def copy_with_maven(artifacts, folder, transitive=False):
    """Leaves the jars in folder/jars."""
    maven = shutil.which("mvn")
    if not maven:
        raise RuntimeError("mvn is missing: ./dev setup installs it")
    pom = folder / "pom.xml"
    pom.write_text(project([artifact[:3] for artifact in artifacts], transitive))
    command = [maven, "-B", "-U", "-f", str(pom), f"-Dmaven.artifact.threads={PARALLEL}",
               f"-Dmaven.wagon.http.connectionTimeout={CONNECT_MILLISECONDS}", f"-Dmaven.wagon.http.readTimeout={READ_MILLISECONDS}",
               f"{PLUGIN}:copy-dependencies", f"-DoutputDirectory={folder / 'jars'}", "-DincludeScope=runtime"]
    if os.environ.get("BAROGRAPH_MAVEN"):
        settings = folder / "settings.xml"
        settings.write_text("<settings><mirrors><mirror><id>barograph</id><mirrorOf>*</mirrorOf>"
                            f"<url>{os.environ['BAROGRAPH_MAVEN']}</url></mirror></mirrors></settings>\n")
        command += ["-s", str(settings)]
    run_maven(command, len(artifacts))


def run_maven(command, wanted):
    maven = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    too_late = threading.Timer(FETCH_SECONDS_MAX, maven.kill)
    too_late.start()
    lines, brought = [], 0
    if wanted:
        print(f"fetching Apache Kafka: {wanted} jars, about 45 MB", file=sys.stderr)
    try:
        for line in maven.stdout:
            lines.append(re.sub(r"\x1b\[[0-9;]*m", "", line).strip())
            if "Downloaded from" in line and ".jar" in line:
                brought += 1
                if sys.stderr.isatty():
                    print(f"\r{brought} files, what Maven needs itself among them ", end="", file=sys.stderr, flush=True)
        maven.wait()
    finally:
        too_late.cancel()
        if maven.poll() is None:
            maven.kill()
            maven.wait()
        maven.stdout.close()
        if brought and sys.stderr.isatty():
            print(file=sys.stderr)
    if maven.returncode != 0:
        errors = [line for line in lines if line.startswith("[ERROR]")] or lines[-3:] or ["no word from Maven"]
        if maven.returncode < 0:
            raise MavenUnreachable(f"no end after {FETCH_SECONDS_MAX} s")
        if any(UNREACHABLE.search(line) for line in errors):
            raise MavenUnreachable(next(line for line in errors if UNREACHABLE.search(line)))
        raise RuntimeError("mvn failed:\n" + "\n".join(errors))


def pin(version):
    """Writes kafka.lock anew for this version of Kafka."""
    with tempfile.TemporaryDirectory() as fresh:
        folder = pathlib.Path(fresh)
        wanted = [(*KAFKA.split(":"), version), LOGGER]
        copy_with_maven(wanted, folder, transitive=True)
        listing = folder / "list"
        run_maven([shutil.which("mvn"), "-B", "-f", str(folder / "pom.xml"), f"{PLUGIN}:list", f"-DoutputFile={listing}",
                   "-DincludeScope=runtime"], 0)
        found = re.findall(r"^\s+([\w.-]+):([\w.-]+):jar:([\w.-]+):(?:compile|runtime)", listing.read_text(), re.M)
        lines = [":".join((*artifact, sha256(folder / "jars" / f"{artifact[1]}-{artifact[2]}.jar"))) for artifact in sorted(found)]
        LOCK.write_text("# Apache Kafka and all that it needs to run, as `broker.py pin VERSION` found it: group:artifact:version:sha256.\n"
                        + "\n".join(lines) + "\n")
