#!/usr/bin/env python3
"""Decoding and prefill by llama.cpp (its Python package) and by transformers, on weights that Omnivale wrote.

    omnivale model init -o bench --size 1b --dtype bf16
    omnivale model quantize bench/vicuna-7b-v1.5 -o q4.gguf --kind q4_k
    scripts/bench/llm_peer.py llama.cpp q4.gguf --prompt 128 --tokens 64 --threads 2
    scripts/bench/llm_peer.py transformers bench/vicuna-7b-v1.5 --dtype bfloat16 --prompt 128 --tokens 64 --threads 2
    cargo run --release -p omnivale-llm --example decode_speed -- --model q4.gguf --prompt 128 --tokens 64

Needs llama-cpp-python, or torch and transformers. Prints one JSON document with the keys that decode_speed has:
every step is a forward pass of one token after the same prompt, without sampling; times are those of the median.
"""

import argparse
import json
import resource
import statistics
import time


def by_llama_cpp(options):
    import llama_cpp

    start = time.perf_counter()
    model = llama_cpp.Llama(options.model, n_ctx=options.prompt + options.tokens + 8, n_batch=max(options.prompt, 32),
                            n_threads=options.threads, n_threads_batch=options.threads, logits_all=False,
                            verbose=False)
    load = time.perf_counter() - start
    ids = [at * 7919 % model.n_vocab() for at in range(options.prompt)]
    model.eval(ids[:8])

    def prefill():
        model.reset()
        model.eval(ids)

    def logits():
        import numpy

        pointer = llama_cpp.llama_get_logits(model.ctx)
        return numpy.ctypeslib.as_array(pointer, (model.n_vocab(),)).copy()

    return load, prefill, lambda: model.eval(ids[:1]), logits


def by_transformers(options):
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
        state["logits"] = out.logits.float().numpy()

    run(ids[:, :8])

    def prefill():
        state.clear()
        run(ids)

    return load, prefill, lambda: run(ids[:, :1]), lambda: state["logits"][0, -1]


def measured(act, rounds):
    """Best and median seconds of some runs, and the mean of the processor's."""
    times, processor = [], time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return min(times), statistics.median(times), (time.process_time() - processor) / rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=["llama.cpp", "transformers"])
    parser.add_argument("model")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="of prefill")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--logits", help="file for what the model says after the prompt")
    parser.add_argument("--dtype", default="float32", help="of transformers")
    options = parser.parse_args()
    peer = by_llama_cpp if options.peer == "llama.cpp" else by_transformers
    load, prefill, step, logits = peer(options)
    prefill_best, prefill_median, prefill_processor = measured(prefill, options.rounds)
    if options.logits:
        logits().astype("<f4").tofile(options.logits)
    best, median, processor = measured(step, options.tokens)
    print(json.dumps({
        "peer": options.peer,
        "load_s": load,
        "prefill_tokens_per_s": options.prompt / prefill_median,
        "prefill_best_tokens_per_s": options.prompt / prefill_best,
        "prefill_processor_s": prefill_processor,
        "decode_tokens_per_s": 1 / median,
        "decode_step_median_ms": median * 1e3,
        "decode_step_best_ms": best * 1e3,
        "decode_step_processor_ms": processor * 1e3,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }, indent=2))


if __name__ == "__main__":
    main()
