#!/usr/bin/env python3
"""Draws sample/omnivale-sample.mp4 and writes sample/truth.json: what is seen, heard and said in it, and when.

Needs ffmpeg (with libx264), sox, espeak-ng and the DejaVu font; `scripts/setup.sh sample` installs them.
Every picture is arithmetic (ffmpeg's geq, drawbox, drawtext), every sound is synthesised, all seeds are fixed:
the same tools give the same bytes. About a minute on two cores.
"""

import json
import subprocess
import tempfile
import wave
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "sample"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
WIDTH, HEIGHT, FPS, RATE = 640, 360, 30, 48000


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def ffmpeg(*arguments):
    run("ffmpeg", "-v", "error", "-y", *arguments)


# ── Pictures ──────────────────────────────────────────────────────────────────────────────────


def rgb(red, green, blue):
    """A geq filter; in each expression X, Y are the pixel, W, H the size, T the time in seconds."""
    return f"format=gbrp,geq=r='{red}':g='{green}':b='{blue}'"


def text(words, size, colour, y, x="(w-tw)/2"):
    return f"drawtext=fontfile={FONT}:text='{words}':fontsize={size}:fontcolor={colour}:x={x}:y={y}"


def source(width=WIDTH, height=HEIGHT):
    return f"color=c=black:s={width}x{height}:r={FPS}"


def still(path, graph, width=WIDTH, height=HEIGHT):
    """One picture, drawn once however slow its arithmetic is."""
    ffmpeg("-f", "lavfi", "-i", f"{source(width, height)},{graph}", "-frames:v", 1, path)
    return path


def noise(cell):
    """A fixed number in 0..1 for each whole number: the fractional part of a large sine."""
    return f"mod(abs(sin(({cell})*12.9898)*43758.5453),1)"


TITLE_SKY = rgb("20+60*Y/H+24*X/W", "24+26*Y/H", "74+92*Y/H-30*X/W")
TITLE = ",".join([
    TITLE_SKY,
    text("OMNIVALE", 76, "0xffe9c0", 118),
    text("what is seen, heard and said", 25, "0xd9d4ff", 214),
])
END = ",".join([rgb("18+20*X/W", "58+44*Y/H", "66+30*Y/H"), text("The end", 64, "0xfff3d6", 146)])

# A sun comes up over the sea: sky above 58 % of the height, waves below, the glow grows with T.
SUN_Y = "(H*(0.60-0.034*T))"
SUN = f"hypot(X-W*0.5,Y-{SUN_Y})/H"
DAY = "(T/8)"
GLOW = f"exp(-6*{SUN})*(0.55+0.45*{DAY})"
DISC = f"255*lt({SUN},0.085)"
WAVE = "(0.5+0.5*sin(Y*0.9+sin(X*0.045+T*1.1)*2.2-T*2.4))"
PATH = f"exp(-abs(X-W*0.5)/(W*(0.05+0.10*(Y/H-0.58))))*{WAVE}"
SKY_OR_SEA = "if(lt(Y,H*0.58),{sky},{sea})"
SEA = rgb(
    SKY_OR_SEA.format(sky=f"min(255,26+84*{DAY}+215*{GLOW}+{DISC})", sea=f"min(255,10+24*{DAY}+190*{PATH}*{DAY}+12*{WAVE})"),
    SKY_OR_SEA.format(sky=f"min(255,30+78*{DAY}+120*{GLOW}+0.86*{DISC})", sea=f"min(255,30+44*{DAY}+128*{PATH}*{DAY}+20*{WAVE})"),
    SKY_OR_SEA.format(sky=f"min(255,66+84*{DAY}+38*{GLOW}+0.5*{DISC})", sea=f"min(255,54+52*{DAY}+64*{PATH}*{DAY}+24*{WAVE})"),
)

# Three ridges, each a sum of sines over X, paler with distance, under a clear sky.
FAR = "(120+34*sin(X/97)+18*sin(X/41+1)+7*sin(X/13))"
MIDDLE = "(190+38*sin(X/131+2)+15*sin(X/37)+5*sin(X/11+1))"
NEAR = "(272+26*sin(X/163+4)+12*sin(X/53)+4*sin(X/9))"


def ridges(near, middle, far, sky):
    return f"if(gt(Y,{NEAR}),{near},if(gt(Y,{MIDDLE}),{middle},if(gt(Y,{FAR}),{far},{sky})))"


MOUNTAINS = rgb(
    ridges("28", "66", "128", "176+50*Y/H"), ridges("74", "110", "156", "208+26*Y/H"), ridges("52", "104", "178", "244-30*Y/H")
)

ROOM = rgb("if(lt(Y,300),246-X/40,196)", "if(lt(Y,300),206-X/30,120)", "if(lt(Y,300),120+X/20,86)")
BALL_SIZE = 84
BALL = (
    "format=rgba,geq=r='if(lt(hypot(X-30,Y-26),12),255,210-X*0.5)':g='if(lt(hypot(X-30,Y-26),12),230,52)'"
    ":b='if(lt(hypot(X-30,Y-26),12),220,70+X*0.4)':a='255*lt(hypot(X-42,Y-42),41)'"
)
BOUNCE_PERIOD = 0.6  # seconds from one touch of the floor to the next


def chart():
    heights = [112, 96, 90, 84, 92, 70, 62, 66, 98, 134, 176, 142]
    bars = [f"drawbox=x={66 + 43 * i}:y={296 - h}:w=30:h={h}:c={'0xd1495b' if h == 176 else '0x2e6f9e'}:t=fill" for i, h in enumerate(heights)]
    months = [text(m, 15, "0x333333", 304, x=f"{81 + 43 * i}-tw/2") for i, m in enumerate("JFMAMJJASOND")]
    return ",".join([
        "drawbox=c=0xf4efe4:t=fill", text("Rain in one year", 32, "0x222222", 32), *bars,
        "drawbox=x=52:y=296:w=540:h=2:c=0x444444:t=fill", *months,
    ])


CLOUD = "(26*sin(X/71+Y/29)+18*sin(X/37-Y/23+2)+12*sin(X/17+Y/13))*exp(-Y/170)"
HILL = "(288+22*sin(X/120+1)+6*sin(X/31))"
STORM = rgb(f"if(gt(Y,{HILL}),12,52+0.5*{CLOUD})", f"if(gt(Y,{HILL}),20,60+0.5*{CLOUD})", f"if(gt(Y,{HILL}),26,84+0.6*{CLOUD})")
# A sparse field of points, stretched to streaks, repeated downwards so that it can scroll.
RAIN = f"geq=lum='255*lt({noise('X*7.13+Y*157.7')},0.012)':cb=128:cr=128,scale=640:360:flags=bilinear"
FLASH_FRAMES = 6

# Houses: one to each 80 pixels of X; a grid of windows, some of them lit.
HOUSE = "floor(X/80)"
ROOF = f"(720-(180+360*{noise(HOUSE)}))"
WINDOW = f"gt(mod(X,80),10)*lt(mod(X,80),72)*gt(mod(X,16),6)*gt(mod(Y,24),10)*gt(Y,{ROOF}+14)"
LIT = f"{WINDOW}*lt({noise('floor(X/16)+61*floor(Y/24)')},0.42)"


def city(house, window, sky):
    return f"if(gt(Y,{ROOF}),if({window},{house[1]},{house[0]}),{sky})"


CITY_NIGHT = rgb(
    city(("18", "255"), LIT, "12+40*Y/H"), city(("20", "206"), LIT, "14+22*Y/H"), city(("38", "110"), LIT, "44+62*Y/H")
)
CITY_DAY = rgb(
    city((f"196-50*{noise(HOUSE + '+3')}", "104"), WINDOW, "120+80*Y/H"),
    city((f"150-40*{noise(HOUSE + '+5')}", "140"), WINDOW, "186+44*Y/H"),
    city((f"126-60*{noise(HOUSE + '+7')}", "168"), WINDOW, "240-14*Y/H"),
)
CREDITS = ["Pictures", "arithmetic", "", "Voices", "eSpeak NG", "", "Sounds", "SoX", "", "Camera", "FFmpeg"]


def zoom(rate, first):
    """Zooms a still by `rate` a frame; drawn four times too large so that the crop moves smoothly."""
    return f"scale=2560:1440:flags=bicubic,zoompan=z='{first}+{rate}*on':x='iw/2-iw/zoom/2':y='ih*0.55-ih/zoom*0.55':d=1:s={WIDTH}x{HEIGHT}:fps={FPS}"


def fade(way, start):
    """A second to or from black, which here is the darkest blue: on pure black a hue means nothing, and a
    detector that compares hues would see a cut where the last trace of colour goes."""
    return f"format=gbrp,fade=t={way}:st={start}:d=1:color=0x080613"


def scenes(work):
    """(seconds, name, how it begins, input options, filter graph with [v] as its output)."""
    loop = ["-loop", "1", "-framerate", str(FPS), "-i"]
    slide = lambda name, graph: [*loop, still(work / f"{name}.png", graph)]
    ball = still(work / "ball.png", BALL, BALL_SIZE, BALL_SIZE)
    rain = work / "rain.png"
    ffmpeg("-f", "lavfi", "-i", f"color=c=black:s=320x36:r={FPS},format=yuv420p,{RAIN}", "-frames:v", 1, rain)
    credits = ",".join(text(line, 30 if i % 3 == 0 else 24, "0xffe9c0" if i % 3 == 0 else "white", f"h-110-2*n+{46 * i}") for i, line in enumerate(CREDITS) if line)
    bounce = f"{300 - BALL_SIZE}-180*abs(sin(PI*t/{BOUNCE_PERIOD}))"
    return [
        (5, "static title slide", "start", slide("title", TITLE), "[0]null[v]"),
        (8, "sunrise over the sea", "cut", ["-f", "lavfi", "-i", f"{source(320, 180)},{SEA}"], "[0]scale=640:360:flags=bicubic[v]"),
        (7, "pan right across mountains", "cut", [*loop, still(work / "mountains.png", MOUNTAINS, 1480, 360)], "[0]crop=640:360:4*n:0[v]"),
        (7, "bouncing ball", "cut", [*slide("room", ROOM), *loop, ball], f"[0][1]overlay=x='30+70*t':y='{bounce}':eval=frame[v]"),
        (6, "static slide with a chart", "cut", slide("chart", chart()), "[0]null[v]"),
        (9, "storm, begins with lightning", "flash", [*slide("storm", STORM), *loop, rain],
         f"[0]format=gbrp[a];[1]scroll=v=-0.06,format=gbrp,lutrgb=r=val*0.3:g=val*0.32:b=val*0.36[b];[a][b]blend=all_mode=addition,"
         f"drawbox=c=white:t=fill:enable='lt(n,{FLASH_FRAMES})'[v]"),
        (6, "city at night, zoom in, fades out", "cut", [*loop, still(work / "night.png", CITY_NIGHT, 1280, 720)],
         f"[0]{zoom(0.0025, 1)},{fade('out', 4.5)}[v]"),
        (5, "city by day, zoom out, fades in", "fade", [*loop, still(work / "day.png", CITY_DAY, 1280, 720)],
         f"[0]{zoom(-0.0025, 1.5)},{fade('in', 0.5)}[v]"),
        (6, "credits scroll up", "cut", slide("dusk", rgb("34-16*Y/H", "22+14*Y/H", "48+26*Y/H")), f"[0]{credits}[v]"),
        (4, "static end slide", "cut", slide("end", END), "[0]null[v]"),
    ]


# ── Sounds ────────────────────────────────────────────────────────────────────────────────────


def synth(path, *effects):
    """A mono sound; -R seeds sox's noise alike every time."""
    run("sox", "-R", "-D", "-n", "-r", RATE, "-c", 1, "-b", 16, path, *effects)
    return path


def speak(path, words, voice):
    """One sentence, with the silence that the synthesiser puts around it cut off."""
    raw = path.with_suffix(".raw.wav")
    run("espeak-ng", "-v", voice, "-s", 150, "-w", raw, words)
    trim = ["silence", "1", "0.01", "0.2%", "reverse"]
    run("sox", "-D", raw, "-r", RATE, "-c", 1, "-b", 16, path, *trim, *trim, "norm", "-5")
    return path


def melody(path, work):
    """Plucked strings: a walk over a chord and a bass below, 0.3 s a note."""
    notes = ["C4", "E4", "G4", "C5", "B4", "G4", "E4", "D4", "A3", "C4", "E4", "A4", "G4", "E4", "D4", "B3", "C4", "G4", "E4", "C4"]
    parts = [synth(work / f"note{i}.wav", "synth", "0.3", "pluck", note, "fade", "l", "0", "0.3", "0.02") for i, note in enumerate(notes)]
    run("sox", "-D", *parts, work / "tune.wav")
    bass = [synth(work / f"bass{i}.wav", "synth", "1.2", "pluck", note) for i, note in enumerate(["C3", "G2", "A2", "E3", "C3"])]
    run("sox", "-D", *bass, work / "bass.wav")
    run("sox", "-D", "-m", work / "tune.wav", work / "bass.wav", path, "norm", "-6")
    return path


def thud(path, work):
    """One touch of the ball on the floor: a short falling tone and a click."""
    synth(work / "tone.wav", "synth", "0.14", "sine", "190:70", "fade", "l", "0.002", "0.14", "0.12")
    synth(work / "click.wav", "synth", "0.02", "whitenoise", "fade", "l", "0.001", "0.02", "0.015", "gain", "-8")
    run("sox", "-D", "-m", work / "tone.wav", work / "click.wav", path, "norm", "-3")
    return path


def seconds(path):
    with wave.open(str(path)) as sound:
        return sound.getnframes() / sound.getframerate()


def sounds(work):
    """(start, kind, label, file, words or None)."""
    touch = thud(work / "thud.wav", work)
    count = 11
    gap = BOUNCE_PERIOD - seconds(touch)
    bounces = work / "bounces.wav"
    run("sox", "-D", touch, bounces, "pad", 0, gap, "repeat", count - 1, "trim", 0, (count - 1) * BOUNCE_PERIOD + seconds(touch))
    said = [
        (0.6, "en-us", "Welcome. This little film shows what a computer can see and hear."),
        (27.7, "en-gb+f3", "Here is the rain of one year. It rains the most in November."),
        (50.6, "en-us", "Thank you for watching. Every picture here was drawn by arithmetic."),
    ]
    events = [(start, "speech", f"speech {voice}", speak(work / f"say{i}.wav", words, voice), words) for i, (start, voice, words) in enumerate(said)]
    rustle = ["synth", "6.6", "pinknoise", "lowpass", "1800", "tremolo", "0.3", "60", "fade", "l", "0.2", "6.6", "0.3", "gain", "-4"]
    fall = ["synth", "4.0", "whitenoise", "gain", "-12", "highpass", "900", "lowpass", "7000", "fade", "l", "0.1", "4.0", "0.2"]
    roll = ["synth", "3.0", "brownnoise", "lowpass", "220", "overdrive", "12", "norm", "-7", "fade", "t", "0.03", "3.0", "1.6"]
    chord = ["synth", "5.6", "triangle", "220", "synth", "5.6", "sine", "mix", "277.18", "synth", "5.6", "triangle", "mix", "329.63",
             "tremolo", "1.5", "30", "fade", "l", "0.15", "5.6", "0.4", "gain", "-9"]
    events += [
        (5.7, "ambient", "waves of the sea", synth(work / "sea.wav", *rustle), None),
        (13.5, "music", "plucked melody", melody(work / "melody.wav", work), None),
        (20 + BOUNCE_PERIOD, "environmental", f"ball bounces x{count}", bounces, None),
        (33.7, "environmental", "thunder", synth(work / "thunder.wav", *roll), None),
        (37.5, "ambient", "rain", synth(work / "fall.wav", *fall), None),
        (43.0, "music", "soft chord", synth(work / "chord.wav", *chord), None),
    ]
    return sorted(events)


def mix(events, duration, path):
    inputs, graph = [], []
    for i, (start, _, _, file, _) in enumerate(events):
        inputs += ["-i", file]
        graph.append(f"[{i + 1}]adelay={round(start * 1000)}[d{i}]")
    graph.append("[0]" + "".join(f"[d{i}]" for i in range(len(events))) + f"amix=inputs={len(events) + 1}:duration=first:normalize=0[o]")
    ffmpeg("-f", "lavfi", "-t", duration, "-i", f"anullsrc=r={RATE}:cl=mono", *inputs, "-filter_complex", ";".join(graph), "-map", "[o]", path)


# ── Together ──────────────────────────────────────────────────────────────────────────────────


def stamp(time):
    ms = round(time * 1000)
    return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"


def main():
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        at, listed, parts = 0, [], []
        for i, (length, name, begins, inputs, graph) in enumerate(scenes(work)):
            part = work / f"scene{i}.mkv"
            ffmpeg(*inputs, "-filter_complex", graph.replace("[v]", ",format=yuv420p,setsar=1[v]"), "-map", "[v]",
                   "-r", FPS, "-frames:v", length * FPS, "-c:v", "ffv1", part)
            listed.append({"start": at, "end": at + length, "start_frame": at * FPS, "name": name, "begins_with": begins})
            parts.append(part)
            at += length
        (work / "list.txt").write_text("".join(f"file '{part}'\n" for part in parts))

        events = sounds(work)
        mix(events, at, work / "mix.wav")
        heard = [{"start": round(start, 3), "end": round(start + seconds(file), 3), "kind": kind, "label": label, "text": words}
                 for start, kind, label, file, words in events]
        said = [event for event in heard if event["text"]]
        (work / "said.srt").write_text("".join(f"{i + 1}\n{stamp(e['start'])} --> {stamp(e['end'])}\n{e['text']}\n\n" for i, e in enumerate(said)))

        ffmpeg("-f", "concat", "-safe", 0, "-i", work / "list.txt", "-i", work / "mix.wav", "-i", work / "said.srt",
               "-map", "0:v", "-map", "1:a", "-map", "2:s",
               "-c:v", "libx264", "-preset", "veryslow", "-crf", 29, "-g", 300, "-threads", 2, "-pix_fmt", "yuv420p",
               "-c:a", "aac", "-b:a", "64k", "-c:s", "mov_text", "-metadata:s:a:0", "language=eng", "-metadata:s:s:0", "language=eng",
               "-metadata", "title=Omnivale sample", "-fflags", "+bitexact", "-flags", "+bitexact", "-movflags", "+faststart",
               OUT / "omnivale-sample.mp4")

        cuts = [scene for scene in listed if scene["begins_with"] in ("cut", "flash")]
        flash = next(scene for scene in listed if scene["begins_with"] == "flash")
        fade = next(scene for scene in listed if scene["begins_with"] == "fade")
        truth = {
            "duration": at, "fps": FPS, "size": [WIDTH, HEIGHT],
            "scenes": listed,
            "cuts": [scene["start"] for scene in cuts],
            "cut_frames": [scene["start_frame"] for scene in cuts],
            "static_scenes": [scene for scene in listed if scene["name"].startswith("static")],
            "fades": [{"out_start": fade["start"] - 1.5, "black_from": fade["start"] - 0.5, "black_to": fade["start"] + 0.5, "in_end": fade["start"] + 1.5}],
            "flash": {"frame": flash["start_frame"], "frames": FLASH_FRAMES},
            "audio_events": heard,
            "subtitle_coverage": round(sum(e["end"] - e["start"] for e in said) / at, 4),
            "note": "times of sounds are where they were placed in the mix, before encoding; the scene that begins with a fade begins in the middle of the black and is no cut",
        }
        (OUT / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    print(f"sample: wrote {OUT / 'omnivale-sample.mp4'} and truth.json")


if __name__ == "__main__":
    main()
