#!/usr/bin/env python3
"""Writes fixtures/scenedetect/<clip>.json: what PySceneDetect itself says about clips.

    pip install scenedetect==0.7.2 opencv-python-headless==5.0.0.93
    scripts/goldens/scenedetect.py fixtures/scenedetect CLIP...

Each file holds, per frame, the integers that the scores are made of (a score is the integer divided by the
number of pixels, so nothing is rounded away), and the cut lists of the five detectors at their defaults.
`crates/annotate/tests/scenedetect_parity.rs` compares them.
"""

import json
import pathlib
import sys

sys.path.pop(0)  # This file would be found in the place of the package it is named after.

import cv2
import numpy
import scenedetect
from scenedetect import SceneManager, open_video
from scenedetect.detector import SceneDetector
from scenedetect.detectors import (
    AdaptiveDetector,
    ContentDetector,
    HashDetector,
    HistogramDetector,
    ThresholdDetector,
)

DETECTORS = {
    "content": ContentDetector,
    "adaptive": AdaptiveDetector,
    "threshold": ThresholdDetector,
    "histogram": HistogramDetector,
    "hash": HashDetector,
}


class Recorder(SceneDetector):
    """Hands every picture to the five detectors and keeps the sums behind every score."""

    def __init__(self):
        super().__init__()
        self.detectors = {name: detector() for name, detector in DETECTORS.items()}
        self.cuts = {name: [] for name in DETECTORS}
        self.size = None
        self.differences, self.sums, self.correlations, self.distances = [], [], [], []
        self.micros = 0
        self.last = None

    def process_frame(self, timecode, frame_img):
        for name, detector in self.detectors.items():
            self.cuts[name] += detector.process_frame(timecode, frame_img)
        hsv = cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV).astype(numpy.int32)
        histogram = HistogramDetector.calculate_histogram(frame_img, bins=128)
        bits = HashDetector.hash_frame(frame_img, 8, 2)
        if self.last is None:
            self.size = [frame_img.shape[1], frame_img.shape[0]]
            self.differences.append([0, 0, 0])
        else:
            self.differences.append([int(d) for d in numpy.abs(hsv - self.last[0]).sum(axis=(0, 1))])
            correlation = cv2.compareHist(self.last[1], histogram, cv2.HISTCMP_CORREL)
            self.correlations.append(round(correlation, 9))
            self.distances.append(int(numpy.count_nonzero(bits != self.last[2])))
        # The sums must be those of the package's own score, or they prove nothing.
        mean = [difference / (self.size[0] * self.size[1]) for difference in self.differences[-1]]
        assert self.detectors["content"]._frame_score == sum(mean) / 3.0, timecode
        self.sums.append(int(frame_img.astype(numpy.int64).sum()))
        self.micros = round(timecode.seconds * 1e6)
        self.last = (hsv, histogram, bits)
        return []

    def post_process(self, timecode):
        for name, detector in self.detectors.items():
            self.cuts[name] += detector.post_process(timecode)
        return []


def record(path: pathlib.Path) -> dict:
    video = open_video(str(path))
    manager, recorder = SceneManager(), Recorder()
    manager.add_detector(recorder)
    manager.detect_scenes(video)
    return {
        "made_by": f"scenedetect {scenedetect.__version__}, opencv {cv2.__version__}",
        "clip": path.name,
        "small_size": recorder.size,
        "frame_rate": [video.frame_rate.numerator, video.frame_rate.denominator],
        "cuts": {name: [cut.frame_num for cut in sorted(set(cuts))] for name, cuts in recorder.cuts.items()},
        "last_micros": recorder.micros,
        "hue_saturation_value": recorder.differences,
        "bgr_sum": recorder.sums,
        "histogram_correlation": recorder.correlations,
        "hash_bits": recorder.distances,
    }


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:]:
        path = pathlib.Path(name)
        golden = record(path)
        lines = ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in golden.items())
        (folder / f"{path.name}.json").write_text("{\n" + lines + "\n}\n")
        print(path.name, {k: len(v) for k, v in golden["cuts"].items()}, len(golden["bgr_sum"]), "frames")


main()
