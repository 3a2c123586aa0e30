#!/usr/bin/env python3
"""Numbers of librosa on a small generated wave, for crates/signal/tests/sound_golden.rs.

    python3 scripts/goldens/librosa_sound.py      # rewrites crates/signal/tests/fixtures/sound/librosa.safetensors

Made with librosa 0.11.0, numpy 2.4.6. The wave (0.5 s, 16 kHz) is a gliding tone, a click and noise from a
congruential generator, quantised to 16 bits, so that it is the same everywhere.
"""
import json, os, struct
import numpy as np
import librosa

RATE = 16000
N = RATE // 2
t = np.arange(N) / RATE
state, noise = 12345, np.empty(N)
for i in range(N):
    state = (state * 1103515245 + 12345) % 2**31
    noise[i] = state / 2**30 - 1
wave = 0.4 * np.sin(2 * np.pi * (200 * t + 900 * t**2)) + 0.05 * noise * (t > 0.2)
wave[5000] = 0.9
wave = (np.round(wave * 32767) / 32768).astype(np.float32)

mel = librosa.feature.melspectrogram(y=wave, sr=RATE)
mfcc = librosa.feature.mfcc(y=wave, sr=RATE, n_mfcc=20)
out = {
    'waveform': wave,
    'mel_power': mel,
    'mel_db': librosa.power_to_db(mel),
    'mfcc20': mfcc,
    'delta_w9': librosa.feature.delta(mfcc),
    'delta2_w9': librosa.feature.delta(mfcc, order=2),
    'first_diff': np.diff(mfcc, axis=1),
    'whisper_bank_128_sums': librosa.filters.mel(sr=RATE, n_fft=400, n_mels=128).sum(axis=1),
}
header, body = {}, b''
for name, value in out.items():
    data = np.ascontiguousarray(value, '<f4').tobytes()
    header[name] = {'dtype': 'F32', 'shape': list(value.shape), 'data_offsets': [len(body), len(body) + len(data)]}
    body += data
text = json.dumps(header).encode()
text += b' ' * (-len(text) % 8)
path = os.path.join(os.path.dirname(__file__), '../../crates/signal/tests/fixtures/sound/librosa.safetensors')
with open(path, 'wb') as f:
    f.write(struct.pack('<Q', len(text)) + text + body)
