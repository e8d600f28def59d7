"""Every kernel for a few turns on each engine of Truering and, where that can be, on the bare processor; the checksums are
compared. A test of the emulator, not of its speed."""
import pathlib
import tempfile

from . import emulators, image, measure

TURNS = 100
TIMEOUT = 120


def run(arguments):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        built = image.Image(folder / "image")
        columns, reasons = emulators.available(["truering", "native"], arguments, built, folder)
        for column, reason in reasons.items():
            print(f"no column {column}: {reason}")
            if column != "native":
                return 1
        return compare(columns, built, folder)


def compare(columns, built, folder):
    said = {}
    for column in columns:
        try:
            said[column.name] = checksums_of(column, built, folder)
        except emulators.Failure as failure:
            print(f"{column.name} {failure}")
            return 1
    wrong = 0
    for kernel in built.kernels:
        sums = {c: got[kernel] for c, got in said.items() if kernel in got}
        missing = [c.name for c in columns if kernel not in said[c.name] and (c.boots or kernel in built.portable)]
        if missing or len(set(sums.values())) != 1 or "LACKS" in sums.values():
            wrong += 1
            print(f"{kernel}: {', '.join(f'{c} {s}' for c, s in sums.items())}" + "".join(f", {c} nothing" for c in missing))
    print(f"{len(built.kernels)} kernels on {', '.join(said)}: {wrong} differ" if wrong else
          f"{len(built.kernels)} kernels, the same on {', '.join(said)}")
    return 1 if wrong else 0


def checksums_of(column, built, folder):
    names = ["all"] if column.boots else sorted(built.portable)
    got = {}
    for name in names:
        got.update(measure.checksums(column.run_kernel(folder, built, name, TURNS, TIMEOUT)[1]))
    return got
