"""The encoders of examples/encoder_speed.rs in PyTorch and transformers, at the same sizes and with random weights.

    python encoders_peer.py [clip|frames|beats|whisper|all] [f32|bf16] [FRAMES] [ROUNDS] [THREADS]

Prints one JSON line for each round, as the example does. Needs torch (its CPU build is enough) and transformers; BEATs
is written out here with torch's own layers, for no package has it.
"""

import json
import math
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(name, precision, rounds, run):
    for number in range(rounds):
        begin, processors = time.perf_counter(), processor_seconds()
        with torch.inference_mode():
            run()
        line = {
            "model": name,
            "precision": precision,
            "round": number,
            "seconds": time.perf_counter() - begin,
            "processor_seconds": processor_seconds() - processors,
        }
        print(json.dumps(line), flush=True)


def clip():
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=1024,
            intermediate_size=4096,
            projection_dim=768,
            num_hidden_layers=24,
            num_attention_heads=16,
            image_size=224,
            patch_size=14,
        )
    )


class Frames(nn.Module):
    """CLIP behind what LongVALE does with frames: bicubic without antialias, the middle, normalised."""

    def __init__(self):
        super().__init__()
        self.clip = clip()
        self.register_buffer("mean", torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None])
        self.register_buffer("deviation", torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None])

    def forward(self, frames):
        for group in frames.split(20):
            x = group.permute(0, 3, 1, 2).float() / 255
            x = functional.interpolate(x, size=(224, 398), mode="bicubic", align_corners=False)
            x = x[..., (398 - 224) // 2 : (398 + 224) // 2]
            x = (x - self.mean.float()) / self.deviation.float()
            self.clip(x.to(self.clip.dtype))


def whisper():
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    return WhisperEncoder(
        WhisperConfig(
            d_model=1280,
            encoder_layers=32,
            encoder_attention_heads=20,
            encoder_ffn_dim=5120,
            num_mel_bins=80,
            max_source_positions=1500,
        )
    )


class BeatsLayer(nn.Module):
    """One layer: attention with a gated bias of positions, a norm after each half."""

    def __init__(self, width=768, inner=3072, heads=12):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.gate = nn.Linear(width // heads, 8)
        self.gate_scale = nn.Parameter(torch.ones(1, heads, 1, 1))
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.alpha = 24**0.25

    def forward(self, x, bias):
        batch, length, width = x.shape
        q, k, v = (
            layer(x).view(batch, length, self.heads, -1).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        pair = torch.sigmoid(self.gate(q).view(batch, self.heads, length, 2, 4).sum(-1))
        first, second = pair.chunk(2, dim=-1)
        gate = first * (second * self.gate_scale - 1.0) + 2.0
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=gate * bias)
        attended = self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        x = self.norm1(x * self.alpha + attended)
        return self.norm2(x * self.alpha + self.fc2(functional.gelu(self.fc1(x))))


class Beats(nn.Module):
    """The published size: 12 layers of 768."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 512, 16, 16, bias=False)
        self.norm, self.project = nn.LayerNorm(512), nn.Linear(512, 768)
        self.positions = nn.Conv1d(768, 768, 128, padding=64, groups=16)
        self.after = nn.LayerNorm(768)
        self.layers = nn.ModuleList(BeatsLayer() for _ in range(12))
        self.table = nn.Embedding(320, 12)

    def forward(self, x):
        x = self.patches(x.unsqueeze(1)).flatten(2).transpose(1, 2)
        x = self.project(self.norm(x))
        marked = functional.gelu(self.positions(x.transpose(1, 2))[..., :-1]).transpose(1, 2)
        x = self.after(x + marked)
        length = x.shape[1]
        places = torch.arange(length)
        distance = (places[None, :] - places[:, None]).clamp(-159, 160) + 159
        bias = self.table(distance).permute(2, 0, 1).unsqueeze(0)
        for layer in self.layers:
            x = layer(x, bias)
        return x


def main():
    given = dict(enumerate(sys.argv[1:]))
    which, precision = given.get(0, "all"), given.get(1, "f32")
    frames, rounds = int(given.get(2, 20)), int(given.get(3, 2))
    torch.set_num_threads(int(given.get(4, 2)))
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}))
    models = {
        "clip": (clip, (frames, 3, 224, 224)),
        "frames": (Frames, (frames, 720, 1280, 3)),
        # 60 s are 11.7 windows of 5.12 s; the last is filled up.
        "beats": (Beats, (math.ceil(60 / 5.12), 512, 128)),
        "whisper": (whisper, (2, 80, 3000)),
    }
    for name, (make, shape) in models.items():
        if which in ("all", name):
            model = make().eval().to(dtype)
            if name == "frames":
                x = torch.randint(0, 256, shape, dtype=torch.uint8)
            else:
                x = torch.randn(shape, dtype=dtype)
            measure(name, precision, rounds, lambda model=model, x=x: model(x))


if __name__ == "__main__":
    main()
