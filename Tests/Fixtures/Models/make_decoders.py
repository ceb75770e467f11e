#!/usr/bin/env python3
"""Writes tiny decoders of more families beside this script and what transformers computes from them.

usage: make_decoders.py            (writes into the script's own folder; same bytes every time)

Requirements: those of make_models.py, whose helpers it uses.

Random models in the layouts of published checkpoints, without tokenizers:
  qwen2              bfloat16; biases on queries, keys and values; a sliding_window that isn't used
  qwen3              head norms, heads of their own width, yarn with the key attn_factor that isn't read
  gpt2               float16; no prefix, with the masks that published files carry
  deepseek-moe       "deepseek": Llama's attention, mixture of experts; composed of transformers' Llama and V2 mixture
  deepseek-v2        latent attention with narrow queries, experts from the best groups, yarn
  deepseek-v2-lite   bfloat16; latent attention with direct queries, experts from all
  deepseek-v3        corrected sigmoids, a layer for further tokens that must not be read
  deepseek-v32       the same with an indexer that selects 5 keys

golden/NAME.safetensors: as make_models.py writes, and for layers with experts `T.router_probabilities.{i}` and
`T.router_weights.{i}` [tokens, experts] (0: not chosen), for layers with an indexer `T.key_selection.{i}`
[queries, keys] (1: selected). golden/NAME.json: the ids.
Seeds are taken at which noise of 1e-4 in all weights changes no choice.
"""
import json

import torch
from make_models import HERE, long_ids, random_weights, run, write_golden, write_model
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.models.deepseek_v2.configuration_deepseek_v2 import DeepseekV2Config
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Moe

VOCABULARY = 60
COMMON = dict(hidden_act="silu", hidden_size=16, intermediate_size=24, max_position_embeddings=4096,
              num_attention_heads=4, num_hidden_layers=2, num_key_value_heads=4, rms_norm_eps=1e-6, rope_theta=10000,
              tie_word_embeddings=False, torch_dtype="float32", vocab_size=VOCABULARY)
MIXTURE = dict(first_k_dense_replace=1, moe_intermediate_size=6, moe_layer_freq=1, n_routed_experts=8, n_shared_experts=2,
               norm_topk_prob=False, num_experts_per_tok=3, scoring_func="softmax")
LATENT = dict(attention_bias=False, kv_lora_rank=10, q_lora_rank=12, qk_nope_head_dim=6, qk_rope_head_dim=4,
              v_head_dim=5)


def yarn(mscale):
    return dict(beta_fast=32, beta_slow=1, factor=40, mscale=mscale, mscale_all_dim=mscale,
                original_max_position_embeddings=64, type="yarn")


V3 = {**COMMON, **MIXTURE, **LATENT, "model_type": "deepseek_v3", "n_group": 4, "topk_group": 2,
      "topk_method": "noaux_tc", "scoring_func": "sigmoid", "norm_topk_prob": True, "routed_scaling_factor": 2.5,
      "n_shared_experts": 1, "num_nextn_predict_layers": 1, "rope_scaling": yarn(1.0)}
PLANS = {
    "qwen2": {**COMMON, "model_type": "qwen2", "num_key_value_heads": 2, "sliding_window": 4, "max_window_layers": 1,
              "use_sliding_window": False, "torch_dtype": "bfloat16"},
    "qwen3": {**COMMON, "model_type": "qwen3", "num_key_value_heads": 2, "head_dim": 6, "attention_bias": False,
              "rope_theta": 1000, "use_sliding_window": False,
              "rope_scaling": dict(attn_factor=0.878, factor=4.0, original_max_position_embeddings=32,
                                   rope_type="yarn")},
    "gpt2": dict(model_type="gpt2", activation_function="gelu_new", layer_norm_epsilon=1e-5, n_ctx=32, n_embd=16,
                 n_head=4, n_layer=2, n_positions=32, vocab_size=VOCABULARY, torch_dtype="float16"),
    "deepseek-moe": {**COMMON, **MIXTURE, "model_type": "deepseek"},
    "deepseek-v2": {**COMMON, **MIXTURE, **LATENT, "model_type": "deepseek_v2", "n_group": 4, "topk_group": 2,
                    "topk_method": "group_limited_greedy", "routed_scaling_factor": 4.0, "rope_scaling": yarn(1.0)},
    "deepseek-v2-lite": {**COMMON, **MIXTURE, **LATENT, "model_type": "deepseek_v2", "n_group": 1, "topk_group": 1,
                         "topk_method": "greedy", "routed_scaling_factor": 1.0, "q_lora_rank": None,
                         "rope_scaling": yarn(0.707), "torch_dtype": "bfloat16"},
    "deepseek-v3": V3,
    "deepseek-v32": {**V3, "model_type": "deepseek_v32", "index_head_dim": 6, "index_n_heads": 8, "index_topk": 5},
}


def gpt2_shapes(config):
    width = config["n_embd"]
    shapes = {"wte.weight": (VOCABULARY, width), "wpe.weight": (config["n_positions"], width)}
    for i in range(config["n_layer"]):
        maps = {"attn.c_attn": (width, 3 * width), "attn.c_proj": (width, width), "mlp.c_fc": (width, 4 * width),
                "mlp.c_proj": (4 * width, width)}
        for name, shape in maps.items():
            shapes[f"h.{i}.{name}.weight"], shapes[f"h.{i}.{name}.bias"] = shape, shape[1:]
        for name in ("ln_1", "ln_2"):
            shapes[f"h.{i}.{name}.weight"] = shapes[f"h.{i}.{name}.bias"] = (width,)
    shapes["ln_f.weight"] = shapes["ln_f.bias"] = (width,)
    return shapes


def feed_forward_shapes(name, width, inner):
    return {f"{name}.gate_proj.weight": (inner, width), f"{name}.up_proj.weight": (inner, width),
            f"{name}.down_proj.weight": (width, inner)}


def attention_shapes(config, width):
    kind, heads = config["model_type"], config["num_attention_heads"]
    if "kv_lora_rank" not in config:
        size = config.get("head_dim", width // heads)
        keys = config["num_key_value_heads"] * size
        shapes = {"q_proj.weight": (heads * size, width), "k_proj.weight": (keys, width), "v_proj.weight": (keys, width),
                  "o_proj.weight": (width, heads * size)}
        if kind == "qwen2":
            shapes |= {"q_proj.bias": (heads * size,), "k_proj.bias": (keys,), "v_proj.bias": (keys,)}
        if kind == "qwen3":
            shapes |= {"q_norm.weight": (size,), "k_norm.weight": (size,)}
        return shapes
    content, turned, value = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
    latent, narrow = config["kv_lora_rank"], config["q_lora_rank"]
    queries = heads * (content + turned)
    shapes = {"kv_a_proj_with_mqa.weight": (latent + turned, width), "kv_a_layernorm.weight": (latent,),
              "kv_b_proj.weight": (heads * (content + value), latent), "o_proj.weight": (width, heads * value)}
    if narrow:
        shapes |= {"q_a_proj.weight": (narrow, width), "q_a_layernorm.weight": (narrow,),
                   "q_b_proj.weight": (queries, narrow)}
    else:
        shapes["q_proj.weight"] = (queries, width)
    if kind == "deepseek_v32":
        count, size = config["index_n_heads"], config["index_head_dim"]
        shapes |= {"indexer.wq_b.weight": (count * size, narrow), "indexer.wk.weight": (size, width),
                   "indexer.k_norm.weight": (size,), "indexer.k_norm.bias": (size,),
                   "indexer.weights_proj.weight": (count, width)}
    return shapes


def decoder_shapes(config):
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    shapes = {"model.embed_tokens.weight": (VOCABULARY, width), "model.norm.weight": (width,),
              "lm_head.weight": (VOCABULARY, width)}
    for i in range(layers + config.get("num_nextn_predict_layers", 0)):
        name = f"model.layers.{i}"
        shapes |= {f"{name}.input_layernorm.weight": (width,), f"{name}.post_attention_layernorm.weight": (width,)}
        shapes |= {f"{name}.self_attn.{part}": shape for part, shape in attention_shapes(config, width).items()}
        if i == layers:  # predicts a further token; a whole block in published files, here its own maps
            shapes |= {f"{name}.enorm.weight": (width,), f"{name}.hnorm.weight": (width,),
                       f"{name}.eh_proj.weight": (width, 2 * width)}
        elif i < config.get("first_k_dense_replace", layers):
            shapes |= feed_forward_shapes(f"{name}.mlp", width, config["intermediate_size"])
        else:
            inner, count = config["moe_intermediate_size"], config["n_routed_experts"]
            shapes[f"{name}.mlp.gate.weight"] = (count, width)
            if config["scoring_func"] == "sigmoid":
                shapes[f"{name}.mlp.gate.e_score_correction_bias"] = (count,)
            for expert in range(count):
                shapes |= feed_forward_shapes(f"{name}.mlp.experts.{expert}", width, inner)
            shapes |= feed_forward_shapes(f"{name}.mlp.shared_experts", width, config["n_shared_experts"] * inner)
    return shapes


def make_weights(config, seed):
    shapes = gpt2_shapes(config) if config["model_type"] == "gpt2" else decoder_shapes(config)
    weights = random_weights(shapes, seed)
    for name in weights:
        if "mlp.gate.weight" in name or "indexer" in name and "norm" not in name:
            weights[name] *= 2
        elif name.split(".")[-2].startswith("ln_") and name.endswith("weight"):
            weights[name] += 1
    dtype = getattr(torch, config["torch_dtype"])
    weights = {name: value if "correction" in name else value.to(dtype) for name, value in weights.items()}
    if config["model_type"] == "gpt2":
        for i in range(config["n_layer"]):
            weights[f"h.{i}.attn.bias"] = torch.tril(torch.ones(1, 1, config["n_ctx"], config["n_ctx"])).to(dtype)
    return weights


def composed_mixture(config, weights):
    """DeepSeek-MoE is not in transformers: its attention is Llama's, its feed-forward part that of V2 without groups."""
    names = "hidden_size intermediate_size max_position_embeddings num_attention_heads num_hidden_layers " \
            "num_key_value_heads rms_norm_eps rope_theta tie_word_embeddings vocab_size"
    model = LlamaForCausalLM._from_config(LlamaConfig(**{name: config[name] for name in names.split()}),
                                          attn_implementation="eager")
    parts = DeepseekV2Config(topk_method="greedy", routed_scaling_factor=1.0, **{name: config[name] for name in (
        "hidden_size num_attention_heads moe_intermediate_size n_routed_experts n_shared_experts "
        "num_experts_per_tok").split()})
    parts._experts_implementation = "eager"
    for layer in model.model.layers[config["first_k_dense_replace"]:]:
        layer.mlp = DeepseekV2Moe(parts)
    state = {name: value for name, value in weights.items() if ".mlp.experts." not in name}
    for i in range(config["first_k_dense_replace"], config["num_hidden_layers"]):
        name = f"model.layers.{i}.mlp.experts"
        part = lambda kind: [weights[f"{name}.{e}.{kind}_proj.weight"] for e in range(config["n_routed_experts"])]
        state[f"{name}.gate_up_proj"] = torch.stack([torch.cat(pair) for pair in zip(part("gate"), part("up"))])
        state[f"{name}.down_proj"] = torch.stack(part("down"))
    model.load_state_dict(state)
    return model.eval()


def load(name, config, weights):
    if config["model_type"] == "deepseek":
        return composed_mixture(config, weights)
    model, report = AutoModelForCausalLM.from_pretrained(
        HERE / name, attn_implementation="eager", experts_implementation="eager", dtype=torch.float32,
        output_loading_info=True)
    missing = [key for key in report["missing_keys"] if key != "lm_head.weight"]
    assert not missing and not report["mismatched_keys"], (name, report)
    return model.eval()


def watch(model, config, found):
    """puts every router's and indexer's decisions into `found`"""
    handles = []
    for path, module in model.named_modules():
        kind, layer = type(module).__name__, next((part for part in path.split(".") if part.isdigit()), None)

        def routed(module, inputs, output, layer=layer):
            scores, weights, chosen = output
            sigmoid = config["scoring_func"] == "sigmoid"
            found[f"router_probabilities.{layer}"] = scores.sigmoid() if sigmoid else scores.softmax(-1)
            found[f"router_weights.{layer}"] = torch.zeros_like(scores).scatter(1, chosen, weights)

        def indexed(module, inputs, output, layer=layer):
            tokens = output.shape[1]
            mask = torch.zeros(tokens, tokens).scatter(1, output[0].long(), 1.0)
            found[f"key_selection.{layer}"] = mask.tril()

        if kind.endswith("TopkRouter"):
            handles.append(module.register_forward_hook(routed))
        if kind.endswith("Indexer"):
            handles.append(module.register_forward_hook(indexed))
    return handles


def decisions(model, config, ids):
    found = {}
    handles = watch(model, config, found)
    with torch.no_grad():
        model(input_ids=torch.tensor([ids]))
    for handle in handles:
        handle.remove()
    return found


def is_safe(model, config, texts):
    """whether noise in the weights leaves every decision as it is"""
    exact = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.Generator().manual_seed(1)
    before = [decisions(model, config, ids) for _, ids in texts]
    for _ in range(3):
        with torch.no_grad():
            for name, value in model.state_dict().items():
                value.copy_(exact[name] * (1 + 1e-4 * torch.randn(value.shape, generator=generator)))
        for (_, ids), old in zip(texts, before):
            new = decisions(model, config, ids)
            if any(not torch.equal(new[key] != 0, old[key] != 0) for key in old if "probabilities" not in key):
                return False
    with torch.no_grad():
        for name, value in model.state_dict().items():
            value.copy_(exact[name])
    return True


def make(name, config):
    texts = [("short", [7, 50, 3, 3, 21]), ("longer", long_ids(19, VOCABULARY))]
    for seed in range(100, 200):
        weights = make_weights(config, seed)
        write_model(name, config, weights)
        model = load(name, config, weights)
        if is_safe(model, config, texts):
            break
    else:
        raise SystemExit(f"{name}: no seed is safe")
    golden = {}
    for text, ids in texts:
        run(model, text, ids, golden)
        for key, value in decisions(model, config, ids).items():
            golden[f"{text}.{key}"] = value.to(torch.float32).contiguous()
    write_golden(name, golden, [dict(name=text, ids=ids) for text, ids in texts])
    size = sum(path.stat().st_size for path in [*(HERE / name).iterdir(), *(HERE / "golden").glob(f"{name}.*")])
    print(f"{name}: seed {seed}, {size} bytes")


if __name__ == "__main__":
    for name, config in PLANS.items():
        make(name, json.loads(json.dumps(config)))
