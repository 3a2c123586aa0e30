#!/usr/bin/env python3
"""A hundred pictures of a video, evenly spread, as bytes in memory, by packages that seek for them.

    python frames_peer.py decord|pyav|opencv VIDEO

Needs decord, av or opencv-python-headless. One thread each. Prints one line.
"""

import resource
import sys
import time

COUNT = 100


def spread(frames):
    return [index * (frames - 1) // (COUNT - 1) for index in range(COUNT)]


def decord(path):
    import decord

    reader = decord.VideoReader(path, num_threads=1)
    return len(reader.get_batch(spread(len(reader))).asnumpy())


def pyav(path):
    import av

    found = 0
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for index in spread(stream.frames):
            due = int(index / stream.average_rate / stream.time_base)
            container.seek(due, stream=stream)
            picture = next(picture for picture in container.decode(stream) if picture.pts >= due)
            found += len(picture.to_ndarray(format="rgb24")) > 0
    return found


def opencv(path):
    import cv2

    cv2.setNumThreads(1)
    video = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    found = 0
    for index in spread(int(video.get(cv2.CAP_PROP_FRAME_COUNT))):
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        found += video.read()[0]
    return found


def main():
    package, path = sys.argv[1:]
    begin = time.perf_counter()
    found = {"decord": decord, "pyav": pyav, "opencv": opencv}[package](path)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    processor = usage.ru_utime + usage.ru_stime
    wall = time.perf_counter() - begin
    print(f"{package}: {found} pictures, CPU {processor:.2f} s, wall {wall:.2f} s, peak {usage.ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
