"""The other side of the engine benchmark: the same weights, loss and optimizer in PyTorch, behind the same commands."""

import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

path = sys.argv[1]
device = sys.argv[3]
torch.set_default_device(device)
precision = os.environ.get("R_ZERO_ENGINE_PRECISION", "float32")
torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
torch.set_num_threads(int(sys.argv[2]))
torch.manual_seed(1)
with open(os.path.join(path, "config.json"), encoding="utf8") as file:
    config = json.load(file)
V, D, LAYERS = config["vocab_size"], config["hidden_size"], config["num_hidden_layers"]
H, KV = config["num_attention_heads"], config["num_key_value_heads"]
DH = config.get("head_dim") or D // H
EPS, THETA = config["rms_norm_eps"], config["rope_theta"]


def weights():
    stored = load_file(os.path.join(path, "model.safetensors"), device=device)

    def joined(*names):
        return torch.cat([stored[f"model.{name}.weight"] for name in names]).requires_grad_()

    def layer(index):
        def of(block, *names):
            return joined(*(f"layers.{index}.{block}{name}" for name in names))

        return (
            of("", "input_layernorm"),
            of("self_attn.", "q_proj", "k_proj", "v_proj"),
            of("self_attn.", "o_proj"),
            of("", "post_attention_layernorm"),
            of("mlp.", "gate_proj", "up_proj"),
            of("mlp.", "down_proj"),
        )

    return joined("embed_tokens"), [layer(index) for index in range(LAYERS)], joined("norm")


embedding, layers, norm = weights()
parameters = [embedding, norm, *(tensor for layer in layers for tensor in layer)]
optimizer = torch.optim.AdamW(parameters, lr=1e-6, weight_decay=0.01, fused=True)


def tables(length):
    half = DH // 2
    angles = torch.arange(length)[:, None] * THETA ** (-torch.arange(half) / half)[None]
    return torch.cat([angles.cos(), angles.cos()], 1), torch.cat([-angles.sin(), angles.sin()], 1)


def rms(x, g):
    return F.rms_norm(x, (D,), g, EPS)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([b, a], -1) * sin


def mlp(x, g, gate_up, down):
    gate, up = F.linear(rms(x, g), gate_up).chunk(2, -1)
    return x + F.linear(F.silu(gate) * up, down)


def forward(tokens, cache=None):
    batch, length = tokens.shape
    cos, sin = tables(length)
    x = F.embedding(tokens, embedding)
    for g1, qkv, out, g2, gate_up, down in layers:
        joined = F.linear(rms(x, g1), qkv).view(batch, length, H + 2 * KV, DH).transpose(1, 2)
        qk, v = joined.split([H + KV, KV], 1)
        q, k = rotate(qk, cos, sin).split([H, KV], 1)
        if cache is not None:
            cache.append((k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + F.linear(mixed.transpose(1, 2).reshape(batch, length, H * DH), out)
        x = mlp(x, g2, gate_up, down)
    return rms(x, norm)


def tokens_of(count, salt):
    return [(i * 7919 + salt * 104729) % V for i in range(count)]


def measure(work):
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


@torch.inference_mode()
def check(length):
    labels = torch.tensor(tokens_of(length, 1))
    inputs = torch.tensor([tokens_of(1, 0) + tokens_of(length, 1)[:-1]])
    logprobs = F.linear(forward(inputs)[0], embedding).log_softmax(-1)
    return {"logprobs": logprobs.gather(1, labels[:, None]).view(-1).tolist()}


def train(batch, length):
    prompts = torch.tensor([tokens_of(1, row) for row in range(batch)])
    labels = torch.tensor([tokens_of(length, row + 1) for row in range(batch)])
    inputs = torch.cat([prompts, labels[:, :-1]], 1)
    advantages = torch.tensor([(row % 2) * 2.0 - 1.0 for row in range(batch)])[:, None]
    old = torch.full((batch, length), -9.0)

    def step():
        optimizer.zero_grad(set_to_none=True)
        logits = F.linear(forward(inputs).reshape(batch * length, D), embedding)
        logprobs = -F.cross_entropy(logits, labels.reshape(-1), reduction="none").view(batch, length)
        ratio = (logprobs - old).clamp(-20, 20).exp()
        plain, clipped = -advantages * ratio, -advantages * ratio.clamp(0.8, 1.3)
        policy = torch.maximum(plain, clipped)
        policy = torch.where(advantages < 0, torch.minimum(policy, -advantages * 3), policy)
        distance = (old - logprobs).clamp(-20, 20)
        kl = (distance.exp() - distance - 1).clamp(-10, 10)
        loss = policy.mean() + 0.01 * kl.mean()
        loss.backward()
        with torch.no_grad():
            probabilities = logits.softmax(-1)
            entropy = (logits.logsumexp(-1) - (probabilities * logits).sum(-1)).mean()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return float(loss), float(entropy)

    peak = {"maxRss": 0}
    time_ = measure(step)
    peak["maxRss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {**time_, **peak}


@torch.inference_mode()
def decode(batch, prompt, steps):
    prompts = torch.tensor([tokens_of(prompt, row) for row in range(batch)])
    cos, sin = tables(prompt + steps + 2)
    cache = []
    x = forward(prompts, cache)[:, -1]
    room = steps + 2
    keys = [torch.cat([k, torch.zeros(batch, KV, room, DH)], 2) for k, _ in cache]
    values = [torch.cat([v, torch.zeros(batch, KV, room, DH)], 2) for _, v in cache]

    def choose(x):
        logits = F.linear(x, embedding)
        logprobs = logits.log_softmax(-1)
        token = torch.multinomial(logprobs.exp(), 1)
        return token.view(-1), logprobs.gather(1, token).view(-1).tolist()

    def step(token, position):
        x = F.embedding(token, embedding)
        for index, (g1, qkv, out, g2, gate_up, down) in enumerate(layers):
            joined = F.linear(rms(x, g1), qkv).view(batch, H + 2 * KV, DH)
            qk, v = joined.split([H + KV, KV], 1)
            q, k = rotate(qk, cos[position], sin[position]).split([H, KV], 1)
            keys[index][:, :, position], values[index][:, :, position] = k, v
            mixed = F.scaled_dot_product_attention(
                q.unsqueeze(2),
                keys[index][:, :, : position + 1],
                values[index][:, :, : position + 1],
                enable_gqa=True,
            )
            x = mlp(x + F.linear(mixed.reshape(batch, H * DH), out), g2, gate_up, down)
        return choose(rms(x, norm))

    token, _ = step(choose(x)[0], prompt)

    def run():
        nonlocal token
        for i in range(steps):
            token, _ = step(token, prompt + 1 + i)

    time_ = measure(run)
    return {name: value / steps for name, value in time_.items()}


def transformers_model():
    if not hasattr(transformers_model, "model"):
        os.environ["HF_HUB_OFFLINE"] = "1"
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        transformers_model.model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).to(device).eval()
    return transformers_model.model


def generate(file, questions, answers, length):
    """`generate` of transformers: answers to the questions of a file, all of the same length."""
    model = transformers_model()
    with open(file, encoding="utf8") as source:
        prompts = json.load(source)[: int(questions)]
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    made = 0

    def run():
        nonlocal made
        with torch.inference_mode():
            out = model.generate(
                ids,
                attention_mask=mask,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                num_return_sequences=int(answers),
                min_new_tokens=int(length),
                max_new_tokens=int(length),
                pad_token_id=0,
            )
        made = out.shape[0] * (out.shape[1] - longest)

    time_ = measure(run)
    return {**time_, "tokens": made}


COMMANDS = {"check": check, "train": train, "decode": decode, "generate": generate}
print(json.dumps({"ready": {"backend": f"PyTorch {device}", "backendVersion": torch.__version__}}), flush=True)
for line in sys.stdin:
    name, *words = line.split()
    # Entered anew for each command: it keeps the rounded weights, which a training step changes.
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        answer = COMMANDS[name](*(int(word) if word.isdigit() else word for word in words))
    print(json.dumps(answer), flush=True)
