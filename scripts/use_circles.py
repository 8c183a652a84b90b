#!/usr/bin/env python3
"""Circles of `use` among the files of a crate: `python3 scripts/use_circles.py`.

A file uses another if it names it by `crate::...` or `super::...` outside of its tests. Parents are excepted:
a module and the files in its folder may know each other, as they are one. Each use that closes a circle is shown
with one such circle. Ends with status 1 if there is one.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def module(source: Path, file: Path) -> tuple[str, ...]:
    parts = list(file.relative_to(source).with_suffix("").parts)
    if parts[-1] in ("mod", "lib", "main"):
        parts.pop()
    return tuple(parts)


def without_tests(text: str) -> str:
    text = re.sub(r"#\[cfg\(test\)\]\s*mod tests;", "", text)  # may stand at the top
    return re.split(r"#\[cfg\(test\)\]\s*mod tests\s*\{", text)[0]


def paths(text: str, here: tuple[str, ...]) -> set[tuple[str, ...]]:
    """The paths that a file names: `crate::a::{b, c::d}` is a::b and a::c::d."""
    found = set()
    code = re.sub(r"//[^\n]*", "", text)
    for match in re.finditer(r"\b(crate|super)::((?:super::)*)", code):
        start = () if match[1] == "crate" else here[:-1]
        start = start[: len(start) - match[2].count("super")]
        rest = code[match.end() :]
        stack, path, word = [], list(start), ""
        for char in rest:
            if char.isalnum() or char == "_":
                word += char
                continue
            if char == ":":
                if word:
                    path.append(word)
                    word = ""
                continue
            if word:
                found.add(tuple(path + [word]))
                word = ""
            if char == "{":
                stack.append(list(path))
            elif char == "," and stack:
                path = list(stack[-1])
            elif char == "}" and stack:
                stack.pop()
            elif char.isspace() and stack:
                continue
            else:
                break
            if not stack:
                break
    return found


def circles(source: Path) -> list[list[str]]:
    files = [file for file in source.rglob("*.rs") if "tests" not in file.relative_to(source).with_suffix("").parts]
    names = {module(source, file): file for file in files}
    exports = {}  # what lib.rs re-exports by its bare name
    uses = {}
    for name, file in names.items():
        text = without_tests(file.read_text())
        for reexport in re.finditer(r"pub(?:\([a-z]+\))? use (?:self::)?(\w+)::(\{[^}]*\}|\w+);", text):
            for word in re.findall(r"\w+", reexport[2]):
                exports[name + (word,)] = name + (reexport[1],)
    for name, file in names.items():
        uses[name] = set()
        for path in paths(without_tests(file.read_text()), name):
            for _ in range(4):  # follow re-exports to where the thing stands
                longest = max((exports[path[:n]] for n in range(1, len(path) + 1) if path[:n] in exports), default=None)
                if longest is None:
                    break
                cut = next(n for n in range(len(path), 0, -1) if path[:n] in exports)
                path = exports[path[:cut]] + path[cut - 1 :]
                if path[: len(exports.get(path[:cut], ()))] == path[:cut]:
                    break
            used = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in names), None)
            related = used is not None and (used == name[: len(used)] or name == used[: len(name)])
            if used and not related:
                uses[name].add(used)
    found, state, stack = [], {}, []

    def visit(name):
        state[name] = 1
        stack.append(name)
        for other in sorted(uses[name]):
            if state.get(other) == 1:
                found.append(["::".join(part) for part in stack[stack.index(other) :] + [other]])
            elif other not in state:
                visit(other)
        stack.pop()
        state[name] = 2

    for name in sorted(uses):
        if name not in state:
            visit(name)
    return found


def main() -> int:
    sources = sorted(ROOT.glob("crates/*/src")) + sorted(ROOT.glob("apps/*/src"))
    all_found = 0
    for source in sources:
        found = circles(source)
        all_found += len(found)
        for circle in found:
            print(f"{source.relative_to(ROOT).parent}: {' -> '.join(circle)}")
    print(f"{all_found} circles in {len(sources)} crates")
    return 1 if all_found else 0


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    sys.exit(main())
