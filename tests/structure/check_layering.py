"""Fails where the rooms of the table below and the repository disagree: an #include between rooms that the table does not allow, a room whose CMakeLists.txt links
others than the table says (USES), a README.md without the sentence "Uses `...`." of the table, a library that is seen in a room which does not own it, and code that asks for a
kind of a deck by its name outside the file of that kind."""
import pathlib
import re
import sys

BELOW = "base parallel random deck store statistics lattice network manybody field solver"
USES = {
    "base": "",
    "parallel": "base",
    "random": "base",
    "deck": "base",
    "foreign": "base",
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
    "app": BELOW + " study analysis bench foreign",
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


def kinds(root):
    """The names that decks give to kinds, each with the file that defines it: NAME.cpp of the folders that koushi_kinds() collects."""
    names = {}
    for cmake in sorted((root / "src").glob("*/CMakeLists.txt")):
        for folder in re.findall(r"koushi_kinds\(\w+ (\w+)", cmake.read_text()):
            for path in (cmake.parent / folder).glob("*.cpp"):
                definition = path.read_text().partition("_kind() {")[2]
                name = re.search(r'"([a-z0-9-]+)"', definition)
                if name:
                    names[name.group(1)] = path
    return names


def check_kinds(root):
    """Lines that ask for a kind by its name outside of its file: whoever needs a property of a kind asks the object for it."""
    names = kinds(root)
    if len(names) < 40:
        return [f"{len(names)} kinds were found"]
    problems = []
    for path in sorted([*(root / "src").rglob("*.[ch]pp"), *(root / "include").rglob("*.hpp")]):
        if path.is_relative_to(root / "src" / "foreign"):
            continue  # the words of other programs
        for number, line in enumerate(path.read_text().splitlines(), 1):
            asked = re.findall(r'[=!]=\s*"([a-z0-9-]+)"|"([a-z0-9-]+)"\s*[=!]=|template_kind = "([a-z0-9-]+)"', line.split("//")[0])
            for name in {word for match in asked for word in match if word}:
                if name in names and names[name] != path:
                    problems.append(f"{path.relative_to(root)}:{number}: asks for the kind {name} of {names[name].relative_to(root)} by its name")
    for path in sorted((root / "src").rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not re.search(r"\bkind\b|\bstudy\b", line):
                continue
            for name in re.findall(r'"([a-z0-9-]+)"', line):
                if name in names:
                    problems.append(f"{path.relative_to(root)}:{number}: asks for the kind {name} of {names[name].relative_to(root)} by its name")
    return problems


def main(root):
    there = [room for room in USES if (root / "src" / room / "CMakeLists.txt").exists()]
    problems = [f"src/{path.name} is not in the table of rooms" for path in sorted((root / "src").iterdir()) if path.is_dir() and path.name not in USES]
    for room in there:
        problems += check_room(root, room, there)
    problems += check_kinds(root)
    print("\n".join(problems) or "every arrow is in the table, and nothing asks for a kind by its name")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
