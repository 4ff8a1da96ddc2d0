#!/usr/bin/env python3
"""The house: which room may include which, by #include lines and by the DEPS of CMake targets.

A room is a folder; ALLOWED is the whole rule. A room may also include what its allowed rooms may (the rule is transitive), because
their headers do. Run from anywhere; prints each breach as file:line and exits 1 if there is one.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

ALLOWED = {
    "storage/base": [],
    "storage/event": ["storage/base"],
    "storage/rocks": ["storage/base"],
    "storage/log": ["storage/rocks", "storage/event"],
    "storage/state": ["storage/rocks", "storage/event"],
    "rules/measure": ["storage/event"],
    "rules/window": ["rules/measure"],
    "rules/spec": ["rules/window"],
    "rules/condition": ["rules/spec"],
    "rules/budget": ["rules/condition"],
    "rules/burn_rate": ["rules/condition"],
    "rules/threshold": ["rules/condition"],
    "rules/absence": ["rules/condition"],
    "rules/expectation": ["rules/condition"],
    "rules/forecast": ["rules/window"],
    "rules/outlook": ["rules/condition", "rules/forecast"],
    "rules/notice": ["rules/spec"],
    "rules/alert": ["rules/spec"],
    "rules/lease": ["rules/alert"],
    "rules/engine": ["rules/budget", "rules/burn_rate", "rules/threshold", "rules/absence", "rules/expectation",
                     "rules/notice", "rules/outlook", "rules/alert", "rules/lease"],
    "rules/scenario": ["rules/engine"],
    "ingest/admission": ["storage/event"],
    "ingest/formats": ["ingest/admission"],
    "ingest/grpc": ["ingest/formats"],
    "ingest/kafka": ["ingest/formats"],
    "server/partition": ["ingest/admission", "rules/engine", "storage/log", "storage/state"],
    "server/forecast": ["server/partition"],
    "server/notify": ["rules/alert", "storage/state", "ingest/admission"],
    "server/config": ["rules/spec", "rules/scenario", "ingest/formats", "ingest/grpc", "ingest/kafka", "server/partition", "server/notify", "server/web"],
    "server/api": ["server/partition", "ingest/grpc"],  # docs/decisions/0002-one-grpc-port.md
    "server/web": ["server/partition"],
    "server/cli": ["server/partition", "ingest/formats", "server/config"],
    "server/app": ["*"],
}

# Third-party headers live behind a fence: only these rooms may include them.
FENCES = {
    r"rocksdb/": ["storage/rocks", "storage/log", "storage/state"],
    r"librdkafka/": ["ingest/kafka"],
    r"curl/": ["server/notify"],
    r"nlohmann/": ["ingest/formats", "server/config", "server/notify", "server/web", "server/cli", "server/reports"],
    r"yaml-cpp/": ["server/config"],
    # docs/decisions/0030-annotation-templates.md, 0046-receivers.md
    r"kainjow/": ["rules/spec", "server/notify"],
    r"barograph/v1/.*\.pb\.h": ["storage/event", "ingest/formats", "ingest/grpc", "server/api", "server/cli"],
    r"grpc(pp)?/": ["ingest/grpc", "server/api", "server/cli"],
    r"spdlog/": ["server/app", "server/config", "server/partition", "server/notify", "server/api", "server/web"],
    r"boost/": ["server/web"],
    r"prometheus/": ["server/web"],
}
# Tests may use more than the code beside them.
TEST_SUFFIXES = ("_test.cc", "_benchmark.cc", "_fuzz.cc")


def closure(room, seen=None):
    seen = set() if seen is None else seen
    for below in ALLOWED.get(room, []):
        if below == "*":
            return set(ALLOWED)
        if below not in seen:
            seen.add(below)
            closure(below, seen)
    return seen


def room_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def test_headers():
    """Headers that the TEST_HDRS of a CMake target name."""
    found = set()
    for file in ROOT.glob("*/*/CMakeLists.txt"):
        for words in re.findall(r"\bTEST_HDRS\s+((?:[\w/.]+\.h\s*)+)", file.read_text()):
            found |= {(file.parent / word).relative_to(ROOT).as_posix() for word in words.split()}
    return found


def check_includes():
    breaches = []
    for_tests = test_headers()
    for top in ("storage", "rules", "ingest", "server"):
        for file in sorted((ROOT / top).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            name = file.relative_to(ROOT).as_posix()
            room = room_of(name)
            if room == "server":  # main.cc
                continue
            if room not in ALLOWED:
                breaches.append(f"{name}: folder {room} is not part of the house")
                continue
            allowed = closure(room) | {room}
            is_test = name.endswith(TEST_SUFFIXES) or name in for_tests
            for number, line in enumerate(file.read_text().splitlines(), 1):
                match = re.match(r'\s*#include\s+[<"]([^">]+)[">]', line)
                if not match:
                    continue
                target = match.group(1)
                other = room_of(target)
                if other in ALLOWED and other not in allowed:
                    breaches.append(f"{name}:{number}: {room} may not include {other}")
                for fence, inside in FENCES.items():
                    if re.match(fence, target) and room != "server/app" and room not in inside and not is_test:
                        breaches.append(f"{name}:{number}: {target} belongs to {', '.join(inside)}")
    return breaches


def check_dependencies():
    breaches = []
    rooms = {}
    calls = []
    for file in sorted(ROOT.glob("*/*/CMakeLists.txt")):
        name = file.relative_to(ROOT).as_posix()
        for call in re.finditer(r"barograph_library\((.*?)\)\s*(?:\n|$)", file.read_text(), re.S):
            words = call.group(1).split()
            library = words[words.index("NAME") + 1]
            rooms[library] = room_of(name)
            deps, inside = [], False
            for word in words:
                if word.isupper() or word == "THIRD_PARTY":
                    inside = word == "DEPS"
                elif inside:
                    deps.append(word.removeprefix("barograph::"))
            calls.append((name, library, deps))
    for name, library, deps in calls:
        room = rooms[library]
        for dep in deps:
            if dep not in rooms:
                if dep not in ("proto", "proto_grpc"):
                    breaches.append(f"{name}: {library} depends on unknown {dep}")
            elif rooms[dep] != room and rooms[dep] not in closure(room):
                breaches.append(f"{name}: {library} may not depend on {dep} ({rooms[dep]})")
    return breaches


def main():
    breaches = check_includes() + check_dependencies()
    for breach in breaches:
        print(breach)
    print(f"layers: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
