"""The tables, in Markdown: for each group what a turn costs on each column and how many times slower each is than ours;
then the groups beside their goals."""
from .goals import GROUPS, geometric_mean


def shown(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def number(value):
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def line(cells):
    return "| " + " | ".join(cells) + " |"


def table(heads, rows):
    return "\n".join([line(heads), line(["---"] * len(heads)), *map(line, rows)]) + "\n"


def group_table(figures, notes, name, columns, ours):
    group = GROUPS[name]
    others = [c for c in columns if c not in (ours, "native")]
    has_native = "native" in columns and any("native" in figures.median[r] for r in figures.rows(name))
    rows = []
    all_rows = list(dict.fromkeys([*figures.rows(name), *[r for r, _ in notes if figures.group_of.get(r) == name]]))
    for row in all_rows:
        got = figures.median.get(row, {})
        cells = [shown(got[c]) if c in got else notes.get((row, c), "-") for c in columns]
        cells += [number(figures.ratio(row, c, ours)) if row in figures.median else "-" for c in others]
        if has_native:
            cells.append(number(figures.ratio(row, ours, "native")) if row in figures.median else "-")
        rows.append([row, *cells])
    means = []
    for other in others:
        ratios = [r for row in figures.rows(name) if (r := figures.ratio(row, other, ours)) is not None]
        means.append(f"**{geometric_mean(ratios):.2f}**" if ratios else "-")
    if len(rows) > 1:
        last = ["**geometric mean**", *[""] * len(columns), *means]
        rows.append(last + ([f"**{number(figures.slowdown(name, ours))}**"] if has_native else []))
    heads = ["", *columns, *[f"{c} / {ours}" for c in others], *([f"{ours} / native"] if has_native else [])]
    return f"### {group.title}\n\n{table(heads, rows)}"


def slowdown_table(figures, columns):
    """Groups that are held against the bare processor."""
    emulators = [c for c in columns if c != "native"]
    rows = []
    for name, group in GROUPS.items():
        if group.slowdown and any(figures.slowdown(name, c) for c in emulators):
            rows.append([group.title, *[number(figures.slowdown(name, c)) for c in emulators], str(group.slowdown)])
    if not rows:
        return ""
    return "### Slowdown against native, geometric means\n\n" + table(["", *emulators, "goal"], rows)


def ratio_table(figures, ours):
    """Rows that are held against the best peer."""
    rows = []
    for name, group in GROUPS.items():
        for row in figures.rows(name) if group.ratio else []:
            ahead = figures.ahead(row, ours, group.peers)
            if ahead:
                rows.append([row, ahead[1], number(ahead[0]), str(group.ratio)])
    if not rows:
        return ""
    return f"### Times faster than the best peer, {ours}\n\n" + table(["", "best peer", "times faster", "goal"], rows)


def markdown(figures, notes, columns, ours):
    groups = [name for name in GROUPS if figures.rows(name) or any(figures.group_of.get(r) == name for r, _ in notes)]
    parts = [group_table(figures, notes, name, columns, ours) for name in groups]
    return "\n".join(p for p in [*parts, slowdown_table(figures, columns), ratio_table(figures, ours)] if p)


def goals(verdicts):
    held = sum(1 for holds, _ in verdicts if holds)
    lines = [f"{'holds ' if holds else 'FAILS '} {text}" for holds, text in verdicts]
    return "\n".join([*lines, f"{held} of {len(verdicts)} hold"])
