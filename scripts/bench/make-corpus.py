#!/usr/bin/env python3
"""Draws annotation files of the published sizes, for benchmarks: no video, only text and times.

    scripts/bench/make-corpus.py longvale OUT.json [--videos 8411] [--events 105730]
    scripts/bench/make-corpus.py valor OUT.json [--clips 32000]

The longvale file has the layout of LongVALE's annotations, durations of 30 to 600 s with a mean near 235 s and
captions of about 50 words; the valor file is a list of {"video_id", "desc"} whose captions fall into a few
hundred topics, so that clustering has something to find. The same arguments give the same bytes.
"""

import argparse
import json
import random

SUBJECTS = ("man woman child dog cat band choir crowd driver chef player teacher singer reporter tractor train "
            "engine helicopter horse bird drummer guitarist dancer swimmer climber carpenter painter farmer "
            "referee boxer pilot sailor fisherman barber nurse clown juggler skater cyclist runner").split()
VERBS = ("walks runs sings plays shouts whistles barks hums drives cuts paints lifts throws catches opens closes "
         "strikes taps claps laughs talks whispers rolls turns slides jumps spins climbs pours stirs chops "
         "hammers saws drills waves points bows rides rows swims").split()
PLACES = ("street kitchen stage field garage forest beach studio classroom stadium river workshop garden market "
          "station bridge harbour roof tunnel mountain valley gym church square barn cellar balcony corridor "
          "playground snowfield desert lake").split()
SOUNDS = ("music applause wind traffic thunder rain bells sirens footsteps laughter engines drums water birdsong "
          "static cheering hammering whistling humming silence").split()
FILLERS = ("while then slowly loudly quietly together again near behind under bright dark red blue green wooden "
           "metal old young small large same other first second towards away suddenly steadily the a of in with "
           "and as at on from into is are his her their it that").split()


def caption(random, topic, words):
    subject, verb, place, sound = topic
    out = ["A", subject, verb, "in", "the", place, "while", sound, "can", "be", "heard"]
    while len(out) < words:
        # Half the words belong to the topic's neighbourhood, so that captions of one topic are alike.
        out.append(random.choice((subject, verb, place, sound)) if random.random() < 0.25
                   else random.choice(FILLERS))
    return " ".join(out) + "."


def topics(random, count):
    return [tuple(random.choice(words) for words in (SUBJECTS, VERBS, PLACES, SOUNDS)) for _ in range(count)]


def name(random):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(random.choice(alphabet) for _ in range(11))


def longvale(random, videos, events):
    """Events per video add up exactly: the remainder is dealt out one by one."""
    shares = [random.lognormvariate(2.3, 0.6) for _ in range(videos)]
    scale = events / sum(shares)
    counts = [max(1, int(share * scale)) for share in shares]
    while sum(counts) != events:
        step = 1 if sum(counts) < events else -1
        for _ in range(abs(events - sum(counts))):
            index = random.randrange(videos)
            counts[index] = max(1, counts[index] + step)
    all_topics = topics(random, 400)
    out = {}
    for count in counts:
        duration = round(min(600.0, max(30.0, count * random.lognormvariate(2.85, 0.35))), 2)
        # Events cover 89 % of the time, as published.
        weights = [random.uniform(0.2, 1.8) for _ in range(count)]
        cuts = [duration * sum(weights[:i]) / sum(weights) for i in range(count + 1)]
        spans = [[round(end - 0.89 * (end - start), 2), round(end, 2)] for start, end in zip(cuts, cuts[1:])]
        sentences = [caption(random, random.choice(all_topics), random.randint(20, 80)) for _ in spans]
        out[name(random)] = {"duration": duration, "timestamps": spans, "sentences": sentences}
    return out


def valor(random, clips):
    all_topics = topics(random, 600)
    return [{"video_id": name(random), "desc": caption(random, random.choice(all_topics), random.randint(15, 40))}
            for _ in range(clips)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("longvale", "valor"))
    parser.add_argument("out")
    parser.add_argument("--videos", type=int, default=8411)
    parser.add_argument("--events", type=int, default=105730)
    parser.add_argument("--clips", type=int, default=32000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    made = longvale(rng, options.videos, options.events) if options.kind == "longvale" else valor(rng, options.clips)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(made, file)


if __name__ == "__main__":
    main()
