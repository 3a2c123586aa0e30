#!/usr/bin/env python3
"""Measures Omnivale against its peers and prints Markdown for BENCHMARKS.md.

    scripts/bench/bench.py scenes     (a) detect scenes, exact and fast, against PySceneDetect and the bare decode
    scripts/bench/bench.py mfcc       (b) MFCC against librosa
    scripts/bench/bench.py annotate   (c) the whole of annotate against detect-content and the bare decode
    scripts/bench/bench.py jobs       (d) eight videos with --jobs 2 against the sum of single runs
    scripts/bench/bench.py memory     (e) peak memory against length
    scripts/bench/bench.py datasets   (g) statistics, dialogues and pseudo-untrimmed videos at the published sizes
    scripts/bench/bench.py all        everything, with the machine and the versions on top

Needs a release build, ffmpeg, and scripts/bench/peers.sh run once. All commands of a comparison run in turn, in
one go, on the same file. CPU is user + system seconds of the whole process, memory its peak resident set.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the checkout stays as it is
from measure import Command, against, alternate, once, table

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample" / "omnivale-sample.mp4"


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *(str(part) for part in arguments)], check=True)


# ── Clips ─────────────────────────────────────────────────────────────────────────────────────


def made(path, make):
    """The clip at `path`, made if it is not there; a half-made one never gets the name."""
    if not path.exists():
        print(f"bench: making {path.name}", file=sys.stderr)
        half = path.with_name("half-" + path.name)
        make(half)
        half.rename(path)
    return path


def filmed(options, height):
    """The sample three times over (189 s), scaled, with film grain, so that it decodes like filmed material."""
    def make(path):
        ffmpeg("-stream_loop", 2, "-i", SAMPLE, "-map", "0:v", "-map", "0:a",
               "-vf", f"scale=-2:{height}:flags=bicubic,noise=alls=7:allf=t:all_seed=1",
               "-c:v", "libx264", "-preset", "medium", "-crf", 23, "-c:a", "aac", "-b:a", "96k", path)
    return made(options.work / f"grain_{height}p.mp4", make)


def drawn(options, height):
    """The same without grain: cheap to decode, so that what comes on top of decoding weighs most."""
    def make(path):
        ffmpeg("-stream_loop", 2, "-i", SAMPLE, "-map", "0:v", "-map", "0:a", "-vf", f"scale=-2:{height}:flags=bicubic",
               "-c:v", "libx264", "-preset", "medium", "-crf", 23, "-c:a", "aac", "-b:a", "96k", path)
    return made(options.work / f"drawn_{height}p.mp4", make)


def clips(options):
    return options.clip or [filmed(options, 720), filmed(options, 480), drawn(options, 720)]


def long_clip(options, minutes):
    """Any length for the price of a copy: packets of the 720p clip, over and over."""
    def make(path):
        times = -(-minutes * 60 // 189) - 1
        ffmpeg("-stream_loop", times, "-i", drawn(options, 720), "-t", minutes * 60, "-c", "copy", path)
    return made(options.work / f"drawn_long_{minutes}min.mp4", make)


def described(path):
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration,bit_rate:stream=width,height,codec_name", "-select_streams", "v:0",
         "-of", "json", path], check=True, capture_output=True, text=True).stdout
    found = json.loads(shown)
    video, file = found["streams"][0], found["format"]
    return (f"{path.name}: {video['codec_name']}, {video['width']}x{video['height']}, {float(file['duration']):.0f} s, "
            f"{int(file['bit_rate']) / 1e6:.1f} Mbit/s")


# ── Commands ──────────────────────────────────────────────────────────────────────────────────


def floor(clip, audio):
    """What decoding alone costs: FFmpeg, one thread, nothing done with what comes out."""
    return ["ffmpeg", "-v", "error", "-nostdin", "-threads", 1, "-i", clip, "-map", "0:v:0", *(["-map", "0:a:0?"] if audio else []), "-f", "null", "-"]


def scenedetect(options, clip, detector, *more):
    return [options.venv / "bin" / "scenedetect", "-q", "-o", options.work / "peer", "-i", clip, detector, *more]


def annotate(options, inputs, out, jobs):
    return Command(f"`omnivale annotate --jobs {jobs}`", [options.omnivale, "annotate", *inputs, "-o", out, "--jobs", jobs],
                   before=lambda: shutil.rmtree(out, ignore_errors=True))


def same_cuts(options, clip, detector):
    """Whether both give the same cut frames: a faster wrong answer is no benchmark."""
    folder = options.work / "peer"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([str(part) for part in scenedetect(options, clip, f"detect-{detector}", "list-scenes", "-q", "-s", "-f", "cuts.csv")],
                   check=True, capture_output=True)
    lines = (folder / "cuts.csv").read_text().splitlines()[1:]
    theirs = [int(line.split(",")[4]) for line in lines[:-1]]  # the end of a scene is the first frame of the next
    shown = subprocess.run([str(options.omnivale), "detect", "scenes", str(clip), "--detector", detector, "--json"],
                           check=True, capture_output=True, text=True).stdout
    ours = [cut["frame"] for cut in json.loads(shown)["cuts"]]
    return f"{len(ours)} cuts, the same" if ours == theirs else f"DIFFERENT cuts: ours {ours}, theirs {theirs}"


# ── The comparisons ──────────────────────────────────────────────────────────────────────


def scenes(options):
    for clip in clips(options):
        detect = [options.omnivale, "detect", "scenes", clip]
        commands = [
            Command("`omnivale detect scenes`", detect),
            Command("`omnivale detect scenes --fast`", [*detect, "--fast"]),
            Command("`omnivale detect scenes --detector adaptive`", [*detect, "--detector", "adaptive"]),
            Command("`scenedetect detect-content`", scenedetect(options, clip, "detect-content")),
            Command("`scenedetect detect-adaptive`", scenedetect(options, clip, "detect-adaptive")),
            Command("`ffmpeg -threads 1 -f null` (video)", floor(clip, audio=False)),
        ]
        print(f"### Scene detection: {described(clip)}\n")
        figures = alternate(commands, options.runs)
        print(table(["command", "CPU s (min–max)", "wall s", "peak MB", "CPU to detect-content", "to detect-adaptive", "to the decode"],
                    against(figures, [commands[3].name, commands[4].name, commands[5].name])))
        for detector in ("content", "adaptive"):
            print(f"{detector}: {same_cuts(options, clip, detector)}.")
        print()


def mfcc(options):
    minutes = 10
    sound = made(options.work / f"sound_{minutes}min.wav", lambda path: ffmpeg(
        "-stream_loop", -1, "-i", SAMPLE, "-map", "0:a", "-t", minutes * 60, "-ac", 1, "-ar", 16000, "-c:a", "pcm_s16le", path))
    sides = [("omnivale", shlex.split(options.ours)), ("librosa", [str(options.venv / "bin" / "python"), str(Path(__file__).with_name("mfcc_librosa.py"))])]
    spent = {name: [] for name, _ in sides}
    for _ in range(options.runs + 1):
        for name, argv in sides:
            shown = subprocess.run([*argv, str(sound)], check=True, capture_output=True, text=True).stdout
            spent[name].append(json.loads(shown.strip().splitlines()[-1])["cpu_seconds"])
    middle = {name: sorted(times[1:])[len(times[1:]) // 2] for name, times in spent.items()}
    print(f"### MFCC: {minutes} min of 16 kHz mono, 20 coefficients, CPU seconds inside the process, files read and caches warm\n")
    print(table(["side", "CPU s", "times real time", "CPU to librosa"],
                [[name, f"{value:.3f}", f"{minutes * 60 / value:.0f}×", f"{value / middle['librosa']:.2f}×"] for name, value in middle.items()]))


def whole(options):
    for clip in clips(options):
        commands = [
            annotate(options, [clip], options.work / "annotated", 1),
            Command("`scenedetect detect-content`", scenedetect(options, clip, "detect-content")),
            Command("`ffmpeg -threads 1 -f null` (video and audio)", floor(clip, audio=True)),
        ]
        print(f"### The whole of annotate: {described(clip)}\n")
        figures = alternate(commands, options.runs)
        print(table(["command", "CPU s (min–max)", "wall s", "peak MB", "CPU to detect-content", "to the decode"],
                    against(figures, [commands[1].name, commands[2].name])))


def jobs(options):
    """Eight clips of 40 to 180 s, so that the last job of a queue is not as long as the first."""
    source = filmed(options, 480)
    videos = [made(options.work / f"part_{i}.mp4", lambda path, i=i: ffmpeg("-i", source, "-t", 40 + 20 * i, "-c", "copy", path)) for i in range(8)]
    singles, together = [], []
    out = options.work / "annotated"
    for number in range(options.runs):
        singles.append(sum(once(annotate(options, [video], out, 1))[1] for video in videos))
        together.append(once(annotate(options, videos, out, 2)))
        print(f"bench: round {number + 1} of {options.runs}", file=sys.stderr)
    ratios = sorted(both[1] / single for both, single in zip(together, singles))
    middle = len(ratios) // 2
    print("### Eight videos of 40 to 180 s (480p)\n")
    print(table(["how", "wall s"], [
        ["eight runs of one video, `--jobs 1`, added up", f"{sorted(singles)[middle]:.1f}"],
        ["one run of eight videos, `--jobs 2`", f"{sorted(run[1] for run in together)[middle]:.1f}"],
        ["ratio", f"{ratios[middle]:.2f}×"],
    ]))


def memory(options):
    rows = []
    for minutes in options.minutes:
        clip = long_clip(options, minutes)
        cpu, wall, peak = once(annotate(options, [clip], options.work / "annotated", 1))
        rows.append([f"{minutes} min", f"{peak:.0f}", f"{cpu:.0f}", f"{wall:.0f}", f"{minutes * 60 / wall:.0f}×"])
        print(f"bench: {minutes} min: {peak:.0f} MB", file=sys.stderr)
    print("### Memory against length: `annotate` on 1280x720\n")
    print(table(["length", "peak MB", "CPU s", "wall s", "times real time"], rows))


def datasets(options):
    """Annotations of LongVALE's size and captions of VALOR's, drawn; Python's usual packages as the peer."""
    def corpus(kind):
        return made(options.work / f"{kind}.json", lambda path: subprocess.run(
            [sys.executable, str(Path(__file__).with_name("make-corpus.py")), kind, str(path)], check=True))
    annotations, clips = corpus("longvale"), corpus("valor")
    def peer(part, path):
        return Command(f"Python: {part}", [options.venv / "bin" / "python", Path(__file__).with_name("datasets_peer.py"), part, path])
    def ours(name, *arguments):
        return Command(f"`omnivale dataset {name}`", [options.omnivale, "dataset", name, *arguments])
    header = ["command", "CPU s (min–max)", "wall s", "peak MB"]
    print("### 8,411 videos, 105,730 events, 33 MB of annotations\n")
    commands = [
        peer("load", annotations),
        peer("stats", annotations),
        ours("stats", annotations, "--json"),
        ours("validate", annotations, "--json"),
        ours("dialogues", annotations, "-o", options.work / "dialogues.json"),
        ours("convert", annotations, "-o", options.work / "annotations.parquet"),
    ]
    print(table([*header, "CPU to Python's load"], against(alternate(commands, options.runs), [commands[0].name])))
    print("### 32,000 captioned clips to 114,081 pseudo-untrimmed videos\n")
    commands = [peer("cluster", clips), ours("pseudo", clips, "-o", options.work / "pseudo.json")]
    print(table([*header, "CPU to scikit-learn's clustering alone"], against(alternate(commands, min(options.runs, 3)), [commands[0].name])))


def machine(options):
    def first(*argv):
        return subprocess.run([str(part) for part in argv], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    commit = first("git", "-C", ROOT, "rev-parse", "--short", "HEAD")
    print(f"Machine: {model}, {os.cpu_count()} cores, {platform.system()}. {first(options.omnivale, '--version')} ({commit}), "
          f"{first('ffmpeg', '-version').split(' Copyright')[0]}, {first('rustc', '--version')}, "
          + ", ".join(line for line in Path(__file__).with_name("peers.txt").read_text().splitlines() if "==" in line)
          + f". Median of {options.runs} alternating runs after one that is not counted.\n")


def everything(options):
    machine(options)
    for part in (scenes, mfcc, whole, jobs, memory, datasets):
        part(options)


PARTS = {"machine": machine, "scenes": scenes, "mfcc": mfcc, "annotate": whole, "jobs": jobs, "memory": memory,
         "datasets": datasets, "all": everything}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--runs", type=int, default=5, help="counted rounds (default 5)")
    parser.add_argument("--clip", type=Path, action="append", help="measure on this file instead of the made clips; may be repeated")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10, 60, 180], help="lengths for memory")
    parser.add_argument("--omnivale", type=Path, default=ROOT / "target/release/omnivale")
    parser.add_argument("--ours", default=f"{ROOT}/target/release/examples/mfcc_speed",
                        help="command for our MFCC: gets a WAV file, prints JSON with cpu_seconds")
    parser.add_argument("--venv", type=Path, default=ROOT / "target/bench/venv")
    parser.add_argument("--work", type=Path, default=ROOT / "target/bench")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if not options.omnivale.exists():
        sys.exit(f"bench: {options.omnivale} is missing: run `cargo build --release -p omnivale-cli` first")
    PARTS[options.part](options)


if __name__ == "__main__":
    main()
