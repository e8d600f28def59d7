"""What each column runs: how to boot a raw disk on an emulator, and how to run a kernel as a Linux program.

Nobody's own clock is trusted: what counts is the CPU time, user and system, of the whole process with its threads and
children."""
import os
import pathlib
import re
import resource
import shutil
import subprocess

from . import v86

MEMORY = 128  # MiB


class Failure(Exception):
    pass


def cpu_seconds(command, cwd, timeout):
    """Runs a program; its CPU time with that of all its threads and children. What it says goes to the file `report`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(cwd / "report", "wb") as report:
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=report, stderr=report, cwd=cwd, timeout=timeout)
        except subprocess.TimeoutExpired as expired:
            raise Failure("took too long") from expired
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


class Native:
    """The bare processor: the portable kernels as a process."""
    name, boots = "native", False

    def __init__(self, image):
        self.image = image

    def why_not(self):
        return None if self.image.native else "32-bit programs cannot be built or run here (gcc-multilib)"

    def version(self):
        model = re.search(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
        return model[1] if model else "?"

    def run_kernel(self, folder, image, kernel, turns, timeout):
        seconds = cpu_seconds([image.native, kernel, str(turns)], folder, timeout)
        return seconds, (folder / "report").read_text(errors="replace")


class Emulator:
    """COM1 goes to the file `serial` in the folder."""
    boots = True
    version_flag = "--version"

    def __init__(self, program):
        self.program = program

    def why_not(self):
        return None if shutil.which(self.program) else f"no {self.program} here"

    def version(self):
        told = subprocess.run([self.program, self.version_flag], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True).stdout
        return next((line.strip() for line in told.splitlines() if re.search(r"\d+\.\d+", line)), "?")

    def run_disk(self, folder, disk, timeout, kernel=None):
        (folder / "serial").write_bytes(b"")
        self.kernel = kernel
        seconds = cpu_seconds(self.command(folder, disk), folder, timeout)
        return seconds, (folder / "serial").read_text(errors="replace")

    def run_kernel(self, folder, image, kernel, turns, timeout):
        return self.run_disk(folder, image.disk_for(kernel, turns), timeout, kernel)


class Truering(Emulator):
    version_flag = "version"

    def __init__(self, program, engine, options):
        super().__init__(program)
        self.name = f"truering-{engine}"
        self.options = ["--engine", engine, *options]

    def command(self, folder, disk):
        return [self.program, "--display", "none", "--cpu", "pentium4", "-m", str(MEMORY), "--limit-time", "1800s",
                "--serial", f"file:{folder}/serial", *self.options, "--drive", f"file={disk},format=raw,mode=overlay"]


class Qemu(Emulator):
    name = "qemu"

    def command(self, folder, disk):
        return [self.program, "-accel", "tcg", "-cpu", "qemu32,+svm", "-display", "none", "-m", str(MEMORY), "-no-reboot",
                "-serial", f"file:{folder}/serial", "-monitor", "none", "-nic", "none",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", f"file={disk},format=raw,snapshot=on"]


class Bochs(Emulator):
    name = "bochs"
    version_flag = "--help"

    def command(self, folder, disk):
        # Debian's Bochs knows no headless display, and begins in its debugger: a VNC server without a client, and "c".
        # Its Intel models have no SVM.
        model = "phenom_8650_toliman" if self.kernel == "vm-exit" else "p4_prescott_celeron_336"
        (folder / "bochsrc").write_text(f"""
display_library: rfb, options="timeout=0"
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
megs: {MEMORY}
cpu: model={model}, ips=100000000
clock: sync=none
ata0-master: type=disk, path="{disk}", mode=volatile
boot: disk
com1: enabled=1, mode=file, dev="{folder}/serial"
log: "{folder}/log"
sound: driver=dummy
magic_break: enabled=0
""")
        (folder / "start").write_text("c\n")
        return [self.program, "-q", "-f", f"{folder}/bochsrc", "-rc", f"{folder}/start"]


class V86(Emulator):
    """Under Node, without a screen; its package is fetched by npm once."""
    name = "v86"

    def __init__(self, cache):
        super().__init__("node")
        self.cache = cache

    def why_not(self):
        return super().why_not() or v86.install(self.cache)

    def version(self):
        return f"{v86.version(self.cache)}, Node {super().version()}"

    def command(self, folder, disk):
        return [self.program, str(v86.RUNNER), str(v86.package(self.cache)), str(MEMORY), str(disk), f"{folder}/serial"]


def available(names, arguments, image, cache):
    """The columns asked for, those left out that this machine cannot have."""
    engines = [e for e in arguments.truering_engines.split(",") if e]
    truering = [Truering(os.path.abspath(arguments.truering), e, arguments.truering_option) for e in engines]
    known = {"truering": truering, "qemu": [Qemu("qemu-system-i386")], "bochs": [Bochs("bochs")], "v86": [V86(cache)],
             "native": [Native(image)]}
    unknown = [n for n in names if n not in known]
    if unknown:
        raise SystemExit(f"no column {', '.join(unknown)}; there are: {', '.join(known)}")
    columns, reasons = [], {}
    for column in (c for name in names for c in known[name]):
        reason = column.why_not()
        if reason:
            reasons[column.name] = reason
        else:
            columns.append(column)
    return columns, reasons
