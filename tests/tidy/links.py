#!/usr/bin/env python3
"""Every relative link in the Markdown pages leads to a file, and the index of docs/README.md names every page of docs/."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    out = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True)
    breaches = []
    for name in out.stdout.splitlines():
        page = ROOT / name
        if not page.is_file():
            continue
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                if not (page.parent / target).exists():
                    breaches.append(f"{name}:{number}: {target} does not exist")
    index = (ROOT / "docs/README.md").read_text()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        relative = page.relative_to(ROOT / "docs").as_posix()
        if relative != "README.md" and f"({relative})" not in index:
            breaches.append(f"docs/README.md: does not name {relative}")
    for breach in breaches:
        print(breach)
    print(f"links: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
