#!/usr/bin/env python3
"""The peers of the dataset benchmarks: what a researcher would write with the usual Python packages.

    scripts/bench/datasets_peer.py load FILE.json        json.load of annotations, and nothing else
    scripts/bench/datasets_peer.py stats FILE.json       counts, means, coverage, caption words
    scripts/bench/datasets_peer.py cluster CLIPS.json    TF-IDF, truncated SVD (128) and k-means (N/40) by scikit-learn
"""

import json
import sys
from collections import Counter


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def stats(path):
    videos = load(path)
    words, lengths, covered, total = Counter(), [], 0.0, 0.0
    for video in videos.values():
        total += video["duration"]
        end = 0.0
        for start, stop in sorted(video["timestamps"]):
            lengths.append(stop - start)
            covered += max(0.0, min(stop, video["duration"]) - max(start, end))
            end = max(end, stop)
        for sentence in video["sentences"]:
            words.update(sentence.lower().split())
    print(len(videos), len(lengths), total / len(videos), sum(lengths) / len(lengths), covered / total, words.most_common(3))


def cluster(path):
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    captions = [clip["desc"] for clip in load(path)]
    sparse = TfidfVectorizer(min_df=2).fit_transform(captions)
    rows = normalize(TruncatedSVD(128, n_iter=3, random_state=0).fit_transform(sparse))
    found = KMeans(round(len(captions) / 40), n_init=1, max_iter=25, random_state=0).fit(rows)
    print(len(set(found.labels_)), found.n_iter_)


if __name__ == "__main__":
    {"load": load, "stats": stats, "cluster": cluster}[sys.argv[1]](sys.argv[2])
