"""What the project wants of each group of rows, and whether it is so.

Three yardsticks: the slowdown against the bare processor (geometric mean of a group's rows, below the goal); a ratio to the
best peer on each row (above the goal); and everywhere, no row behind the best peer."""
import math
import statistics


class Group:
    def __init__(self, title, slowdown=None, ratio=None, peers=("qemu", "v86", "bochs")):
        self.title, self.slowdown, self.ratio, self.peers = title, slowdown, ratio, peers


# In the order of the tables; the names are those in the guest's tables of kernels.
GROUPS = {
    "integer": Group("Integer", slowdown=1.6),
    "jumps": Group("Calls and returns, indirect jumps, byte code", slowdown=2.5),
    "memory": Group("Memory with paging on: copy loops, REP strings", slowdown=2),
    "chase": Group("Pointer chases", slowdown=1.3),
    "float": Group("x87, SSE, SSE2", slowdown=2.5),
    "rates": Group("The system", ratio=3),
    "code": Group("Code that changes", ratio=2),
    "linux": Group("Linux", ratio=2, peers=("qemu",)),
    "exits": Group("Exit from a virtual machine and re-entry", ratio=15, peers=("bochs",)),
    "more": Group("More, without a goal of its own"),
}
PEERS = ("qemu", "v86", "bochs")


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


class Figures:
    """Medians of what was measured: {row: {column: seconds}}, and each row's group."""

    def __init__(self, results, group_of):
        self.group_of = group_of
        self.median = {row: {c: statistics.median(v) for c, v in by.items() if v} for row, by in results.items()}

    def rows(self, group):
        return [row for row in self.median if self.group_of[row] == group]

    def ratio(self, row, column, to):
        """How many times slower `column` is than `to`."""
        got = self.median[row]
        return got[column] / got[to] if column in got and to in got else None

    def slowdown(self, group, column):
        """Against native; over the rows that both have."""
        ratios = [r for row in self.rows(group) if (r := self.ratio(row, column, "native")) is not None]
        return geometric_mean(ratios) if ratios else None

    def best_peer(self, row, peers=PEERS):
        """(name, seconds) of the fastest, or None."""
        there = [(seconds, name) for name, seconds in self.median[row].items() if name in peers]
        return min(there)[::-1] if there else None

    def ahead(self, row, ours, peers=PEERS):
        """How many times faster we are than the best peer; (ratio, its name), or None."""
        best = self.best_peer(row, peers)
        if best is None or ours not in self.median[row]:
            return None
        return best[1] / self.median[row][ours], best[0]


def check(figures, ours):
    """Sentences, each with whether it holds."""
    verdicts = []
    for name, group in GROUPS.items():
        if group.slowdown:
            slowdown = figures.slowdown(name, ours)
            if slowdown is not None:
                verdicts.append((slowdown <= group.slowdown,
                                 f"{group.title}: {slowdown:.2f} times native, goal {group.slowdown}"))
        if group.ratio:
            for row in figures.rows(name):
                ahead = figures.ahead(row, ours, group.peers)
                if ahead:
                    verdicts.append((ahead[0] >= group.ratio, f"{row}: {ahead[0]:.2f} times {ahead[1]}, goal {group.ratio}"))
    for row in figures.median:
        ahead = figures.ahead(row, ours)
        if ahead:
            verdicts.append((ahead[0] >= 1, f"{row}: not behind the best peer: {ahead[0]:.2f} times {ahead[1]}"))
    return verdicts
