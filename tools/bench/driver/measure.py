"""The time of a turn of a kernel, for each column.

Each measurement runs a kernel twice, with N and with 2N turns, and takes the difference, so that firmware, preparation
and end cancel. N is chosen for each column so that the difference is about the seconds asked for. Before anything is
timed, every column runs every kernel for the same few turns: whoever comes to another checksum gets no figure."""
import re
import sys

from .emulators import Failure

MOST_TURNS = 1 << 31
TRIAL_TURNS = 100
FIRST_TURNS = 256


def checksums(said):
    """{kernel: checksum, or "LACKS"} of what a guest said."""
    found = re.findall(r"^([a-z0-9-]+) (?:CHECK ([0-9A-F]{8})|(LACKS))", said, re.M)
    return {kernel: checksum or lacks for kernel, checksum, lacks in found}


class Bench:
    def __init__(self, folder, image, seconds):
        self.folder, self.image, self.seconds = folder, image, seconds
        self.turns = {}   # (column, kernel): how many are worth measuring
        self.wanted = {}  # (kernel, turns): what everyone must come to
        self.wrong = {}   # (column, kernel): why there is no figure

    def verify(self, columns, kernels, timeout=300):
        """Compares everyone with the first column that has the kernel; the bare processor goes first."""
        for column in sorted(columns, key=lambda c: c.boots):
            print(f"  checksums on {column.name} ...", file=sys.stderr, flush=True)
            for kernel, got in self._trial(column, kernels, timeout).items():
                if got == "LACKS":
                    self.wrong[column.name, kernel] = "not supported"
                    continue
                if self.wanted.setdefault((kernel, TRIAL_TURNS), got) != got:
                    self.wrong[column.name, kernel] = "wrong checksum"

    def _trial(self, column, kernels, timeout):
        if column.boots:
            said = column.run_kernel(self.folder, self.image, "all", TRIAL_TURNS, timeout)[1]
            got = checksums(said)
            missing = [k for k in kernels if k not in got]
            for kernel in missing:
                self.wrong[column.name, kernel] = "no result"
            return got
        return {k: checksums(column.run_kernel(self.folder, self.image, k, TRIAL_TURNS, timeout)[1]).get(k, "LACKS")
                for k in kernels if k in self.image.portable}

    def run_once(self, column, kernel, turns):
        seconds, said = column.run_kernel(self.folder, self.image, kernel, turns, 600)
        got = checksums(said).get(kernel)
        if got is None:
            raise Failure("no result")
        if self.wanted.setdefault((kernel, turns), got) != got:
            raise Failure("wrong checksum")
        return seconds

    def choose_turns(self, column, kernel):
        """More and more turns until a run is clearly longer than one with a single turn, then in proportion."""
        clearly = max(0.1, self.seconds / 4)
        least = self.run_once(column, kernel, 1)
        turns = FIRST_TURNS
        while turns < MOST_TURNS // 16:
            spent = self.run_once(column, kernel, turns) - least
            if spent > clearly:
                return max(16, round(turns * self.seconds / spent))
            turns *= 16 if spent < clearly / 16 else 4
        return turns

    def cost(self, column, kernel):
        """Seconds of CPU time a turn."""
        key = column.name, kernel
        if key in self.wrong:
            raise Failure(self.wrong[key])
        if key not in self.turns:
            self.turns[key] = self.choose_turns(column, kernel)
        for _ in range(4):
            turns = self.turns[key]
            more = self.run_once(column, kernel, 2 * turns)
            less = self.run_once(column, kernel, turns)
            if more - less > self.seconds / 3:
                return (more - less) / turns
            if turns >= MOST_TURNS // 8:
                break
            self.turns[key] *= 3  # chosen in a moment when the host was slow
        raise Failure("too noisy")
