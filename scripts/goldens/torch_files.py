#!/usr/bin/env python3
"""Makes the PyTorch files that the tests of `weights` and `encoders` read, as published ones are written.

    pip install torch numpy
    python3 scripts/goldens/torch_files.py

`scores.pt` has numbers of numpy's beside its tensors, as CLAP's published checkpoint has. `openai_clip.pt` is a picture
tower of CLIP's as a traced TorchScript program in half precision, the form in which OpenAI publishes it, with tensors
named as there and sizes of its own; `openai_clip.json` has what the program itself answers, in f32.
"""

import json
import math
from pathlib import Path

import numpy
import torch
from torch import nn

CRATES = Path(__file__).resolve().parents[2] / "crates"
WIDTH, INNER, PATCH, SIDE, PROJECTION = 64, 48, 4, 8, 8


class QuickGelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, WIDTH // 64)
        self.ln_1 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(WIDTH, INNER))
        self.mlp.add_module("gelu", QuickGelu())
        self.mlp.add_module("c_proj", nn.Linear(INNER, WIDTH))
        self.ln_2 = nn.LayerNorm(WIDTH)

    def forward(self, x):
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Layers(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.resblocks = nn.Sequential(*(Block() for _ in range(count)))

    def forward(self, x):
        return self.resblocks(x)


class Visual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(WIDTH))
        self.positional_embedding = nn.Parameter(torch.randn((SIDE // PATCH) ** 2 + 1, WIDTH))
        self.ln_pre = nn.LayerNorm(WIDTH)
        self.transformer = Layers(2)
        self.ln_post = nn.LayerNorm(WIDTH)
        self.proj = nn.Parameter(torch.randn(WIDTH, PROJECTION))

    def forward(self, pixels):
        x = self.conv1(pixels).flatten(2).permute(0, 2, 1)
        first = self.class_embedding + torch.zeros(x.shape[0], 1, WIDTH, dtype=x.dtype)
        x = self.ln_pre(torch.cat([first, x], 1) + self.positional_embedding)
        x = self.transformer(x.permute(1, 0, 2)).permute(1, 0, 2)
        return self.ln_post(x[:, 0]) @ self.proj


class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = Visual()
        self.ln_final = nn.LayerNorm(WIDTH)
        self.logit_scale = nn.Parameter(torch.tensor(2.5))
        for name, value in [("input_resolution", SIDE), ("context_length", 77), ("vocab_size", 10)]:
            self.register_buffer(name, torch.tensor(value))

    def forward(self, pixels):
        return self.visual(pixels) * self.logit_scale.exp() + self.ln_final(self.visual.class_embedding).sum()


def tower():
    """Writes the program in half precision and its answer to one picture in f32."""
    torch.manual_seed(7)
    clip = Clip().eval().requires_grad_(False)
    for value in clip.parameters():
        value.add_(torch.randn_like(value) * 0.05)
        value.copy_(value.half().float())
    count = 3 * SIDE * SIDE
    pixels = torch.tensor([math.sin(0.37 * at) for at in range(count)]).reshape(1, 3, SIDE, SIDE)
    traced = torch.jit.trace(clip, pixels)
    folder = CRATES / "encoders" / "src" / "clip" / "fixtures"
    folder.mkdir(exist_ok=True)
    answer = [round(value, 6) for value in clip.visual(pixels)[0].tolist()]
    (folder / "openai_clip.json").write_text(json.dumps(answer) + "\n")
    traced.half().save(str(folder / "openai_clip.pt"))


def scores():
    """Writes a training script's checkpoint."""
    folder = CRATES / "weights" / "src" / "torch" / "fixtures"
    folder.mkdir(parents=True, exist_ok=True)
    whole = {
        "epoch": numpy.int64(45),
        "best": numpy.float64(0.5),
        "state_dict": {"module.weight": torch.arange(6.0).reshape(2, 3)},
    }
    torch.save(whole, folder / "scores.pt")
    torch.save(whole, folder / "scores_legacy.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    tower()
    scores()
