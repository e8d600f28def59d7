"""Builds the guest of the benchmark: a raw disk of the boot sector and all kernels, and the same kernels as a Linux program.

The object files of the portable kernels are linked into both, so that "native" is the very same code."""
import pathlib
import re
import struct
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent
GUEST = TOP / "tools/bench/guest"

FREESTANDING = ("-ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables "
                "-fno-tree-loop-distribute-patterns").split()
COMMON = [*"-m32 -march=pentium3 -O2 -Wall -Wextra -Werror".split(), f"-I{TOP}"]
CXX = "-std=c++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics".split()
NO_SSE = ["-mno-mmx", "-mno-sse"]
SSE2 = ["-msse2", "-mfpmath=sse"]
PORTABLE = ["portable", "integer", "sha256", "jumps", "bytecode", "memory", "x87", "sse", "changing_code"]
MACHINE = ["main", "machine", "system", "virtual"]

MAGIC = b"TRBENCH2"
NAME_BYTES = 24
DISK_BYTES = 2064384  # four cylinders


def kernels():
    """{name: group}, from the tables in the guest's sources; and which of them are portable."""
    def table(file):
        source = (GUEST / file).read_text()
        return dict(re.findall(r'\{"([a-z0-9-]+)", "([a-z]+)",', source[source.index("constexpr Kernel kernels[]"):]))
    portable = table("portable.cpp")
    return {**portable, **table("system.cpp")}, set(portable)


class Image:
    def __init__(self, folder):
        self.folder = folder
        self.kernels, self.portable = kernels()
        folder.mkdir(parents=True, exist_ok=True)
        self._compile()
        self.bytes = self._disk()
        self.place = self.bytes.index(MAGIC) + len(MAGIC)
        self.native = self._native()

    def disk_for(self, kernel, turns):
        """The disk that runs a kernel, written into the folder."""
        block = struct.pack(f"<{NAME_BYTES}sI", kernel.encode(), turns)
        path = self.folder / "bench.img"
        path.write_bytes(self.bytes[:self.place] + block + self.bytes[self.place + len(block):])
        return path

    def _run(self, *words, quiet=False):
        return subprocess.run([str(w) for w in words], check=not quiet, cwd=self.folder,
                              stderr=subprocess.DEVNULL if quiet else None).returncode == 0

    def _compile(self):
        for name in PORTABLE + MACHINE:
            units = SSE2 if name == "sse" else NO_SSE
            self._run("g++", *COMMON, *FREESTANDING, *units, *CXX, "-c", GUEST / f"{name}.cpp", "-o", f"{name}.o")
        for name in ("entry", "real_mode", "virtual"):
            self._run("gcc", *COMMON, *FREESTANDING, "-c", GUEST / f"{name}.S", "-o", f"{name}_asm.o")

    def _disk(self):
        objects = [f"{n}.o" for n in ["entry_asm", "real_mode_asm", "virtual_asm", *MACHINE, *PORTABLE]]
        self._run("ld", "-m", "elf_i386", "-n", "--no-warn-rwx-segments", "-T", GUEST / "bench.ld", "-o", "bench.elf", *objects)
        self._run("objcopy", "-O", "binary", "bench.elf", "bench.bin")
        self._run("gcc", *COMMON, *FREESTANDING, "-c", TOP / "tests/guests/demo/mbr.S", "-o", "mbr.o")
        self._run("ld", "-m", "elf_i386", "-Ttext", "0x7c00", "-e", "mbr", "--oformat", "binary", "-o", "mbr.bin", "mbr.o")
        image = (self.folder / "mbr.bin").read_bytes() + (self.folder / "bench.bin").read_bytes()
        return image.ljust(DISK_BYTES, b"\0")

    def _native(self):
        """The Linux program, or None where 32-bit programs cannot be made or run."""
        compiled = self._run("g++", *COMMON, "-std=c++20", "-fno-pie", "-c", GUEST / "native.cpp", "-o", "native.o", quiet=True)
        linked = compiled and self._run("g++", "-m32", "-no-pie", "-o", "native", "native.o",
                                        *[f"{n}.o" for n in PORTABLE], quiet=True)
        program = self.folder / "native"
        if not linked:
            return None
        try:
            trial = subprocess.run([program, "alu", "1"], stdout=subprocess.DEVNULL)
        except OSError:
            return None
        return program if trial.returncode == 0 else None
