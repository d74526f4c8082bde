"""Fails on an #include between rooms that the table of rooms does not allow, of a library in a room that does not own it, and on rooms without README."""
import pathlib
import re
import sys

USES = {
    "base": "",
    "parallel": "base",
    "random": "base",
    "deck": "base",
    "store": "base parallel",
    "statistics": "parallel",
    "lattice": "base parallel deck",
    "manybody": "lattice random statistics deck",
    "field": "lattice random statistics deck",
    "solver": "parallel statistics deck",
    "study": "base parallel random deck store statistics lattice manybody field solver",
    "app": "study deck base",
}

LIBRARIES = {"petsc|slepc": "parallel solver", "mpi": "parallel store", "hdf5|H5": "store", "fftw": "field"}


def closure(room, seen=None):
    seen = set() if seen is None else seen
    for used in USES[room].split():
        if used not in seen:
            seen.add(used)
            closure(used, seen)
    return seen


def main(root):
    problems = []
    for room in USES:
        if not (root / "src" / room / "CMakeLists.txt").exists():
            continue
        allowed = closure(room) | {room}
        if not (root / "src" / room / "README.md").exists():
            problems.append(f"src/{room} has no README.md")
        for folder in (root / "include" / "koushi" / room, root / "src" / room):
            for path in sorted(folder.rglob("*.[ch]pp")):
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    found = re.match(r'\s*#\s*include\s*"koushi/(\w+)/', line)
                    if found and found.group(1) not in allowed:
                        problems.append(f"{path.relative_to(root)}:{number}: {room} may not use {found.group(1)}")
                    for library, rooms in LIBRARIES.items():
                        if re.match(rf"\s*#\s*include\s*<({library})", line) and room not in rooms.split():
                            problems.append(f"{path.relative_to(root)}:{number}: {library} is seen in {rooms} only")
    print("\n".join(problems) or "every arrow is in the table")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
