"""Debian's kernel and what runs on it: the CPU time of a whole run, GRUB to power-off, with a workload; and of one without,
which is taken off. The row linux-boot is the latter.

The disk is the one that the guest tests boot. Its initramfs gets a second part appended, with the workloads in place of
the tests (linux/ beside the kernels), and GRUB's menu a name of fixed length, so that the driver can choose a workload
by writing into the raw image."""
import pathlib
import re
import shutil
import struct
import subprocess

from .emulators import Failure
from .image import TOP

SOURCES = TOP / "tools/bench/guest/linux"
NAME_BYTES = 24
MARK = b"truering.test=bench-"
FIRST_PARTITION, SECTOR = 2048, 512
MENU = """linux /boot/vmlinuz console=ttyS0,115200 {mark}{name}
initrd /boot/initrd
boot
"""

BOOT = "linux-boot"


def workloads():
    """The names, from the functions of the script."""
    return [f"linux-{n.replace('_', '-')}" for n in re.findall(r"^work_(\w+)\(\)", (SOURCES / "workloads").read_text(), re.M)
            if n != "nothing"]


def _run(*words, **options):
    subprocess.run([str(w) for w in words], check=True, **options)


def _second_initramfs(folder):
    """A cpio archive, which the kernel unpacks over the first."""
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    (root / "bin").mkdir(parents=True)
    shutil.copy(SOURCES / "workloads", root / "bin/guest-tests")
    (root / "bin/guest-tests").chmod(0o755)
    _run("gcc", "-m32", "-march=i686", "-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-pic", "-no-pie",
         "-fno-stack-protector", "-fcf-protection=none", "-Wall", "-Wextra", "-Werror", "-o", root / "bin/system-work",
         SOURCES / "system_work.c")
    packed = subprocess.run("find . | LC_ALL=C sort | cpio --quiet -o -H newc --owner=+0:+0 | gzip -9n", shell=True, check=True,
                            cwd=root, stdout=subprocess.PIPE)
    return packed.stdout


def _debugfs(partition, *requests):
    for request in requests:
        _run("debugfs", "-w", "-R", request, partition, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class LinuxDisk:
    """None of it works without the images of tools/images: see why_not."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "linux.img"
        self.why_not = self._make(folder)

    def _make(self, folder):
        made = subprocess.run([TOP / "tools/images/make", "boot-disk-686.img", "initramfs-686"], stdout=subprocess.PIPE, text=True)
        if made.returncode:
            return "no image to boot (tools/images/make)"
        disk, initramfs = (pathlib.Path(line) for line in made.stdout.split())
        initrd, menu, partition = folder / "initrd", folder / "grub.cfg", folder / "partition"
        initrd.write_bytes(initramfs.read_bytes() + _second_initramfs(folder))
        menu.write_text(MENU.format(mark=MARK.decode(), name="x" * NAME_BYTES))
        bytes_ = bytearray(disk.read_bytes())
        start, length = (n * SECTOR for n in struct.unpack_from("<II", bytes_, 446 + 8))
        partition.write_bytes(bytes_[start:start + length])
        _debugfs(partition, "rm /boot/initrd", f"write {initrd} /boot/initrd", "rm /boot/grub/grub.cfg",
                 f"write {menu} /boot/grub/grub.cfg")
        changed = partition.read_bytes()
        self.place = start + changed.index(MARK + b"x" * NAME_BYTES) + len(MARK)
        bytes_[start:start + length] = changed
        self.path.write_bytes(bytes_)
        return None

    def seconds(self, column, folder, row):
        """CPU time of a run with a workload; the guest says its sum, which must be the same on everyone."""
        name = "nothing" if row == BOOT else row.removeprefix("linux-")
        with open(self.path, "r+b") as disk:
            disk.seek(self.place)
            disk.write(name.encode().ljust(NAME_BYTES))
        seconds, said = column.run_disk(folder, self.path, 1800)
        done = re.search(r"^WORK (\S+) (.*?)\r?$", said, re.M)
        if not done or "TEST DONE" not in said:
            raise Failure("did not boot" if "Guest is up" not in said else "no result")
        return seconds, done[2]
