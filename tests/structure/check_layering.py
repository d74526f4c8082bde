"""Fails where the rooms of the table below and the repository disagree: an #include between rooms that the table does not allow, a room whose CMakeLists.txt links
others than the table says (USES), a README.md without the sentence "Uses `...`." of the table, and a library that is seen in a room which does not own it."""
import pathlib
import re
import sys

BELOW = "base parallel random deck store statistics lattice network manybody field solver"
USES = {
    "base": "",
    "parallel": "base",
    "random": "base",
    "deck": "base",
    "store": "base parallel",
    "statistics": "parallel",
    "lattice": "base parallel deck",
    "network": "parallel random deck",
    "manybody": "lattice network random statistics deck",
    "field": "lattice network random statistics deck",
    "solver": "parallel statistics deck",
    "study": BELOW,
    "analysis": BELOW + " study",
    "bench": "base parallel random deck statistics lattice network manybody field solver",
    "app": BELOW + " study analysis bench",
}

LIBRARIES = {"petsc|slepc": "parallel solver", "mpi": "parallel store", "hdf5|H5": "store", "fftw": "field"}
MPI_CALL = re.compile(r"\bMPI_[A-Za-z]\w*")
SEES_MPI = ("parallel", "store", "solver")  # of the solver: communicators given to PETSc
TRANSPOSES = "src/field/fourier"            # all-to-all of FFTW's slabs


def closure(room, seen=None):
    seen = set() if seen is None else seen
    for used in USES[room].split():
        if used not in seen:
            seen.add(used)
            closure(used, seen)
    return seen


def linked(text, room):
    """What koushi_room(<room> ... USES ...) names; ${solver} stands for the solver, where there is one."""
    call = re.search(r"koushi_room\(%s\b(.*?)\)\s*$" % room, text, re.S | re.M)
    uses = re.search(r"\bUSES\b(.*?)(?:\bLIBRARIES\b|$)", call.group(1), re.S) if call else None
    return set(uses.group(1).replace("${solver}", "solver").split()) if uses else set()


def check_room(root, room, there):
    problems = []
    table = {used for used in USES[room].split() if used in there}
    names = " ".join(used for used in USES[room].split() if used in table) or "nothing"
    cmake = root / "src" / room / "CMakeLists.txt"
    found = linked(cmake.read_text(), room)
    if found != table:
        problems.append(f"{cmake.relative_to(root)}: USES {' '.join(sorted(found))}, the table says {names}")
    readme = root / "src" / room / "README.md"
    sentence = f"Uses `{names}`." if table else "Uses no other room."
    if not readme.exists():
        problems.append(f"src/{room} has no README.md")
    elif sentence not in readme.read_text() or len(re.findall(r"\bUses (?:`|no other room)", readme.read_text())) != 1:
        problems.append(f"src/{room}/README.md: once, and as the table has it: {sentence}")
    allowed = closure(room) | {room}
    for folder in (root / "include" / "koushi" / room, root / "src" / room):
        for path in sorted(folder.rglob("*.[ch]pp")):
            name = str(path.relative_to(root))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                include = re.match(r'\s*#\s*include\s*"koushi/(\w+)/', line)
                if include and include.group(1) not in allowed:
                    problems.append(f"{name}:{number}: {room} may not use {include.group(1)}")
                for library, rooms in LIBRARIES.items():
                    if re.match(rf"\s*#\s*include\s*<({library})", line) and room not in rooms.split():
                        problems.append(f"{name}:{number}: {library} is seen in {rooms} only")
                code = line.split("//")[0]
                if MPI_CALL.search(code) and room not in SEES_MPI and not name.startswith(TRANSPOSES):
                    problems.append(f"{name}:{number}: MPI is seen in {' '.join(SEES_MPI)} only: Communicator, or parallel/ending.hpp")
    return problems


def main(root):
    there = [room for room in USES if (root / "src" / room / "CMakeLists.txt").exists()]
    problems = [f"src/{path.name} is not in the table of rooms" for path in sorted((root / "src").iterdir()) if path.is_dir() and path.name not in USES]
    for room in there:
        problems += check_room(root, room, there)
    print("\n".join(problems) or "every arrow is in the table")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
