#!/usr/bin/env python3
"""The peer of the MFCC benchmark: librosa on one WAV file, timed inside the process, imports left out.

Prints {"cpu_seconds": ..., "audio_seconds": ..., "rows": ...}: what any command given to
`bench.py mfcc --ours` prints too. Parameters: 16 kHz mono, 20 coefficients, FFT 2048, hop 512 (librosa's own).
"""

import json
import sys
import time

import librosa
import soundfile


def main():
    samples, rate = soundfile.read(sys.argv[1], dtype="float32")
    librosa.feature.mfcc(y=samples[: 2 * rate], sr=rate, n_mfcc=20)  # compiles and fills its caches
    start = time.process_time()
    mfcc = librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=20)
    spent = time.process_time() - start
    print(json.dumps({"cpu_seconds": spent, "audio_seconds": len(samples) / rate, "rows": int(mfcc.shape[1])}))


if __name__ == "__main__":
    main()
