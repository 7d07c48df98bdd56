"""
Grouped generation by llama.cpp's server (the xllamacpp package runs it in this process), on a 32-bit GGUF file that is made
here of the same weights: python engine-llama.py FOLDER THREADS SEQUENCES, then the commands of the other sides, one a line.
"""

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import xllamacpp
from gguf import GGUFWriter, TokenType
from safetensors.numpy import load_file

folder = Path(sys.argv[1])
threads, sequences = map(int, sys.argv[2:4])
config = json.loads((folder / "config.json").read_text("utf8"))
tokenizer = json.loads((folder / "tokenizer.json").read_text("utf8"))
layers, heads, kv_heads = (config[f"num_{name}"] for name in ("hidden_layers", "attention_heads", "key_value_heads"))
head_size = config.get("head_dim") or config["hidden_size"] // heads


def interleaved(rows, count):
    """The file has the two halves of a rotary pair side by side."""
    return rows.reshape(count, 2, head_size // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def write(path):
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(head_size)
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    special = {token["id"] for token in tokenizer["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(vocabulary)
    writer.add_token_types(
        [TokenType.CONTROL if index in special else TokenType.NORMAL for index in range(len(vocabulary))]
    )
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]])
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    stored = load_file(folder / "model.safetensors")
    names = {
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    writer.add_tensor("token_embd.weight", stored["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", stored["model.norm.weight"])
    for layer in range(layers):
        for theirs, ours in names.items():
            rows = stored[f"model.layers.{layer}.{theirs}.weight"]
            if ours in ("attn_q", "attn_k"):
                rows = interleaved(rows, heads if ours == "attn_q" else kv_heads)
            writer.add_tensor(f"blk.{layer}.{ours}.weight", np.ascontiguousarray(rows))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def server(path):
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_parallel = sequences
    parameters.n_ctx = sequences * 256
    # With one cache for all, every token attends to the columns of all sequences: twice the time for 128 of them.
    parameters.kv_unified = False
    parameters.cache_ram_mib = 0
    parameters.warmup = True
    for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
        cpu.n_threads = threads
        # Threads that wait must not count as work.
        cpu.poll = 0
    return xllamacpp.Server(parameters)


def generate(prompts, answers, length):
    def ask(prompt):
        reply = llama.handle_completions(
            {
                "prompt": prompt,
                "n": answers,
                "max_tokens": length,
                "ignore_eos": True,
                "temperature": 1.0,
                "samplers": ["temperature"],
                "cache_prompt": False,
            }
        )
        if isinstance(reply, str):
            reply = json.loads(reply)
        if "usage" not in reply:
            raise RuntimeError(str(reply)[:300])
        # Its usage counts one answer.
        assert len(reply["choices"]) == answers and reply["usage"]["completion_tokens"] == length, reply["usage"]
        return answers * length

    with ThreadPoolExecutor(len(prompts)) as pool:
        return sum(pool.map(ask, prompts))


with tempfile.TemporaryDirectory() as scratch:
    path = Path(scratch, "model.gguf")
    write(path)
    llama = server(path)
print(json.dumps({"ready": {"backend": "llama.cpp", "backendVersion": xllamacpp.__version__}}), flush=True)
for line in sys.stdin:
    _, file, questions, answers, length = line.split()
    prompts = json.loads(Path(file).read_text("utf8"))[: int(questions)]
    cpu, wall = time.process_time(), time.perf_counter()
    tokens = generate(prompts, int(answers), int(length))
    answer = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "tokens": tokens}
    print(json.dumps(answer), flush=True)
