#!/usr/bin/env python3
"""clang-tidy over every source of the product, remembering what was clean.

A clean file leaves a stamp under BUILD/clean: what the files it includes were, and a digest of all that a verdict depends on (clang-tidy
itself, .clang-tidy, the compile command, the preprocessed text, the suppressions in our files). As long as none of the included files
changed, nothing is run; if only comments did, the preprocessor says so; else clang-tidy looks again. Prints the findings and exits 1 if
there are any.

    python3 tests/tidy/clang_tidy.py [--build build/tidy] [--jobs 2] [FILE ...]
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("storage/*.cc", "rules/*.cc", "ingest/*.cc", "server/*.cc")
NOT_PRODUCT = re.compile(r"_(test|benchmark|fuzz)\.cc$")
LINE_MARKER = re.compile(rb'^# \d+ "([^"<]+)"', re.M)
SUPPRESSION = re.compile(rb"^.*NOLINT.*$", re.M)


def run(command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True)


def sources():
    listed = run(["git", "ls-files", "-co", "--exclude-standard", *ROOMS]).stdout.decode().split()
    return [name for name in listed if not NOT_PRODUCT.search(name) and (ROOT / name).is_file()]


@functools.lru_cache(maxsize=None)
def file_digest(path):
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


@functools.lru_cache(maxsize=None)
def suppressions(path):
    """A suppression is a comment, which the preprocessor drops, and yet decides; only those of our own files count."""
    return b"\n".join(SUPPRESSION.findall(pathlib.Path(path).read_bytes())) if path.startswith(f"{ROOT}/") else b""


@functools.lru_cache(maxsize=None)
def ground():
    """What every verdict depends on."""
    return run(["clang-tidy", "--version"]).stdout + (ROOT / ".clang-tidy").read_bytes()


class Source:
    """One file to look at, with its stamp. The digests are taken before clang-tidy runs: what is edited meanwhile is looked at again."""

    def __init__(self, name, command, build):
        self.name = name
        self.command = command
        self.build = build
        self.stamp = build / "clean" / f"{name}.json"
        self.now = None

    def unchanged(self):
        """Whether nothing that was read for the last clean verdict is another file now; runs no compiler."""
        before = self.clean_before()
        return bool(before) and before["command"] == self.command_digest() and all(
            digest and file_digest(path) == digest for path, digest in before["files"].items())

    def look(self):
        """The findings as text; empty if the file is clean."""
        words = shlex.split(self.command["command"])
        words[words.index("-o"):words.index("-o") + 2] = []
        preprocessed = run([*words, "-E", "-dD"], cwd=self.command["directory"])
        if preprocessed.returncode != 0:
            return preprocessed.stderr.decode(errors="replace")
        self.remember(preprocessed.stdout)
        before = self.clean_before()
        if not before or before["text"] != self.now["text"]:
            tidy = run(["clang-tidy", "-p", str(self.build), "--quiet", self.name])
            if tidy.returncode != 0:
                self.stamp.unlink(missing_ok=True)
                return (tidy.stdout.strip() or tidy.stderr.strip() or b"clang-tidy died").decode(errors="replace")
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(json.dumps(self.now))
        return ""

    def remember(self, preprocessed):
        paths = sorted({path.decode() for path in LINE_MARKER.findall(preprocessed)})
        text = hashlib.sha256(self.command_digest().encode())
        for line in preprocessed.splitlines():
            if line and not line.startswith(b"# "):
                text.update(line + b"\n")
        for path in paths:
            text.update(suppressions(path))
        self.now = {"command": self.command_digest(), "text": text.hexdigest(), "files": {path: file_digest(path) for path in paths}}

    def command_digest(self):
        return hashlib.sha256(ground() + self.command["command"].encode()).hexdigest()

    def clean_before(self):
        try:
            return json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return None


def look_at_all(changed, jobs):
    """Every file's findings, printed as they come; how many files have any."""
    started, bad = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(source.look): source for source in changed}
        for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
            findings = future.result()
            if findings:
                bad += 1
                print(findings, flush=True)
            print(f"[{done}/{len(changed)}] {time.monotonic() - started:5.0f} s  {'FINDINGS' if findings else 'clean':8}  "
                  f"{futures[future].name}", file=sys.stderr, flush=True)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/tidy", help="a configured build of the preset tidy")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*", help="only these (default: every source that is no test, benchmark or fuzzer)")
    options = parser.parse_args()

    build = options.build.resolve()
    commands = {str(pathlib.Path(entry["file"]).resolve()): entry for entry in json.loads((build / "compile_commands.json").read_text())}
    names = options.files or sources()
    missing = [name for name in names if str(ROOT / name) not in commands]
    for name in missing:
        print(f"{name}: {build.name} does not compile it")
    known = [Source(name, commands[str(ROOT / name)], build) for name in names if name not in missing]
    changed = [source for source in known if not source.unchanged()]
    bad = look_at_all(changed, options.jobs) + len(missing)
    print(f"clang-tidy: {len(names)} sources, {len(known) - len(changed)} unchanged since they were clean, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
