"""Runs commands in turn and takes the operating system's own account of each finished run."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Command:
    """One thing to measure. `before` runs ahead of each run and is not counted."""

    name: str
    argv: list
    before: object = None


@dataclass
class Figures:
    """All counted runs of one command."""

    name: str
    cpu: list = field(default_factory=list)  # seconds, user + system
    wall: list = field(default_factory=list)  # seconds
    peak: list = field(default_factory=list)  # MB (10^6 bytes) resident, the largest single process

    def median(self, what):
        return statistics.median(getattr(self, what))


def once(command):
    """(cpu, wall, peak) of one run; a run that fails ends the benchmark, since its time means nothing."""
    if command.before:
        command.before()
    argv = [str(part) for part in command.argv]
    start = time.monotonic()
    with open(os.devnull, "r+b") as null:
        child = subprocess.Popen(argv, stdin=null, stdout=null, stderr=subprocess.PIPE)
        complaint = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if child.returncode != 0:
        sys.exit(f"bench: {' '.join(argv)}\nended with {child.returncode}:\n{complaint.decode(errors='replace')[-2000:]}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024 / 1e6


def alternate(commands, runs, warm_up=True):
    """Each command once a round, so that a machine whose speed drifts slows all alike; medians are quoted."""
    figures = [Figures(command.name) for command in commands]
    for number in range(runs + warm_up):
        for command, figure in zip(commands, figures):
            cpu, wall, peak = once(command)
            if number < warm_up:
                continue
            figure.cpu.append(cpu)
            figure.wall.append(wall)
            figure.peak.append(peak)
        print(f"bench: round {number + 1} of {runs + warm_up}", file=sys.stderr)
    return figures


def table(header, rows):
    """Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def against(figures, peers):
    """Rows of all figures with the ratio of CPU seconds to each named peer, round by round, as its median."""
    by_name = {figure.name: figure for figure in figures}
    rows = []
    for figure in figures:
        ratios = [statistics.median(a / b for a, b in zip(figure.cpu, by_name[peer].cpu)) for peer in peers]
        spread = f"{figure.median('cpu'):.2f} ({min(figure.cpu):.2f}–{max(figure.cpu):.2f})"
        rows.append([figure.name, spread, f"{figure.median('wall'):.2f}", f"{figure.median('peak'):.0f}", *(f"{r:.2f}×" for r in ratios)])
    return rows
