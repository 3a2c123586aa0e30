#!/usr/bin/env python3
"""Decoding and prefill by llama.cpp (its Python package) and by transformers, on weights that Omnivale wrote.

    omnivale model init -o bench --size 1b --dtype bf16
    omnivale model quantize bench/vicuna-7b-v1.5 -o q4.gguf --kind q4_k
    scripts/bench/llm_peer.py llama.cpp q4.gguf --prompt 128 --tokens 64 --threads 2
    scripts/bench/llm_peer.py transformers bench/vicuna-7b-v1.5 --dtype bfloat16 --prompt 128 --tokens 64 --threads 2
    cargo run --release -p omnivale-llm --example decode_speed -- --model q4.gguf --prompt 128 --tokens 64

Needs llama-cpp-python, or torch and transformers. Prints one JSON document with the keys that decode_speed has:
every step is a forward pass of one token after the same prompt, without sampling.
"""

import argparse
import json
import resource
import statistics
import time


def llama_cpp(options):
    from llama_cpp import Llama

    start = time.perf_counter()
    model = Llama(options.model, n_ctx=options.prompt + options.tokens + 8, n_batch=max(options.prompt, 32),
                  n_threads=options.threads, n_threads_batch=options.threads, logits_all=False, verbose=False)
    load = time.perf_counter() - start
    ids = [at * 7919 % model.n_vocab() for at in range(options.prompt)]
    model.eval(ids[:8])
    model.reset()
    return load, lambda: model.eval(ids), lambda: model.eval(ids[:1])


def transformers(options):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=getattr(torch, options.dtype)).eval()
    load = time.perf_counter() - start
    ids = torch.tensor([[at * 7919 % model.config.vocab_size for at in range(options.prompt)]])
    state = {}

    def run(tokens):
        with torch.inference_mode():
            out = model(tokens, past_key_values=state.get("cache"), use_cache=True, logits_to_keep=1)
        state["cache"] = out.past_key_values
        return out.logits.float().numpy()

    run(ids[:, :8])
    state.clear()
    return load, lambda: run(ids), lambda: run(ids[:, :1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=["llama.cpp", "transformers"])
    parser.add_argument("model")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="float32", help="of transformers")
    options = parser.parse_args()
    load, prefill, step = (llama_cpp if options.peer == "llama.cpp" else transformers)(options)
    start = time.perf_counter()
    prefill()
    prefill_s = time.perf_counter() - start
    times = []
    for _ in range(options.tokens):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({
        "peer": options.peer,
        "load_s": load,
        "prefill_tokens_per_s": options.prompt / prefill_s,
        "decode_tokens_per_s": options.tokens / sum(times),
        "decode_step_median_ms": statistics.median(times) * 1e3,
        "decode_step_best_ms": min(times) * 1e3,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }, indent=2))


if __name__ == "__main__":
    main()
