#!/usr/bin/env python3
"""Sizes, names and words that the house keeps. Prints each breach and exits 1 if there is one.

Limits: source file <= 800 lines, 90 % of them <= 500; header 90 % <= 250; function <= 70 lines, 90 % of them <= 35; line <= 100
columns; main.cc <= 80 lines. Names that say nothing, unfinished words and headers that no target compiles are breaches too.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = ("storage", "rules", "ingest", "server", "tests", "clients")
BANNED_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "info", "data"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not implemented|placeholder", re.I)
BANNED_CALLS = {
    r"system_clock::now": "take the time from a Clock&",
    r"steady_clock::now": "take the time from a Clock&",
    r"std::regex": "use re2",
    r"catch \(\.\.\.\)": "catch what a third party throws, by type",
}
# gRPC deadlines are points on the system clock; tests and benchmarks may look at a clock.
CLOCK_EXEMPT = ("storage/base/clock.cc", "ingest/grpc/ingest_door.cc", "server/cli/client.cc", "_test.cc", "_benchmark.cc", "tests/")


def tracked():
    out = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    return [name for name in out.stdout.splitlines() if (ROOT / name).is_file()]


def functions(text):
    """(first line, length) of each function body: a brace scanner that knows strings, comments and preprocessor lines."""
    clean = re.sub(r'//[^\n]*|/\*.*?\*/|R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'',
                   lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)
    stack, found = [], []
    line, head = 1, ""
    for char in clean:
        if char == "\n":
            line += 1
        if char == "{":
            is_function = bool(re.search(r"\)\s*(const|noexcept|override|final|mutable|->[^;{}]*|:[^;{}]*|ABSL_\w+\([^)]*\)|\s)*$", head)) \
                and not re.search(r"\b(if|for|while|switch|catch)\s*\([^{};]*$", head) \
                and not re.search(r"\]\s*\([^{};]*$|\bnamespace\b", head)
            stack.append((line, is_function))
            head = ""
        elif char == "}":
            if stack:
                first, is_function = stack.pop()
                if is_function and not any(outer for _, outer in stack):
                    found.append((first, line - first + 1))
            head = ""
        elif char == ";":
            head = ""
        else:
            head += char
    return found


def ninetieth(values):
    values = sorted(values)
    return values[int(len(values) * 0.9)] if values else 0


def main():
    breaches = []
    headers, sources, lengths = [], [], []
    for name in tracked():
        path = ROOT / name
        if path.suffix in (".h", ".cc") and name.startswith(CODE):
            text = path.read_text()
            lines = text.splitlines()
            is_test = name.endswith(("_test.cc", "_benchmark.cc", "_fuzz.cc"))
            if path.suffix == ".h":
                headers.append(len(lines))
            elif not is_test:
                sources.append(len(lines))
            if len(lines) > 800:
                breaches.append(f"{name}: {len(lines)} lines; 800 is the end")
            if name == "server/main.cc" and len(lines) > 80:
                breaches.append(f"{name}: {len(lines)} lines; 80 is the end")
            for first, length in functions(text):
                lengths.append(length)
                if length > 70:
                    breaches.append(f"{name}:{first}: a function of {length} lines; 70 is the end")
            for number, line in enumerate(lines, 1):
                if len(line) > 100 and "NOLINT" not in line and "http" not in line:
                    breaches.append(f"{name}:{number}: {len(line)} columns; 100 is the end")
                if UNFINISHED.search(line):
                    breaches.append(f"{name}:{number}: unfinished: {line.strip()}")
                for call, instead in BANNED_CALLS.items():
                    exempt = "clock" in call and any(part in name for part in CLOCK_EXEMPT)
                    if re.search(call, line) and not exempt:
                        breaches.append(f"{name}:{number}: {call}: {instead}")
            stem_words = set(re.split(r"[_.]", path.name))
            if stem_words & BANNED_NAMES:
                breaches.append(f"{name}: {', '.join(stem_words & BANNED_NAMES)} says nothing as a name")
            if path.suffix == ".h" and "#pragma once" not in text:
                breaches.append(f"{name}: #pragma once is missing")
            cmake = next((p / "CMakeLists.txt" for p in path.parents if (p / "CMakeLists.txt").exists()), None)
            relative = path.relative_to(cmake.parent).as_posix()
            if not re.search(r"(?<![\w/])" + re.escape(relative), cmake.read_text()) and name.startswith(("storage", "rules", "ingest", "server")):
                breaches.append(f"{name}: in no CMake target")
        if path.suffix == ".md":
            titles = [line for line in strip_fences(path.read_text()) if line.startswith("# ")]
            if len(titles) != 1:
                breaches.append(f"{name}: {len(titles)} titles; exactly one line starts with '# '")
        if path.stat().st_size > 256 * 1024:
            breaches.append(f"{name}: {path.stat().st_size} bytes; 262,144 is the end of a file")
    for what, values, limit in (("headers", headers, 250), ("sources", sources, 500), ("functions", lengths, 35)):
        if ninetieth(values) > limit:
            breaches.append(f"90 % of {what} must be <= {limit} lines; the 90th percentile is {ninetieth(values)}")
        print(f"sizes: {len(values)} {what}, 90th percentile {ninetieth(values)} lines, longest {max(values, default=0)}")
    for breach in breaches:
        print(breach)
    print(f"sizes: {len(breaches)} breaches")
    return 1 if breaches else 0


def strip_fences(text):
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield line


if __name__ == "__main__":
    sys.exit(main())
