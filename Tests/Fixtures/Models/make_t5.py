#!/usr/bin/env python3
"""Writes two tiny random T5 models and what transformers computes from them.

usage: make_t5.py            (writes beside itself; same bytes every time)

  t5        float32; version 1.0: relu, a head tied to the embedding, as many decoder as encoder layers
  t5-gated  bfloat16; version 1.1: gated gelu, a head of its own, other numbers of layers, buckets and distances

golden/NAME.safetensors: for every text T `T.encoder_attentions.{i}`, `T.decoder_attentions.{i}`, `T.cross_attentions.{i}`
[heads, queries, keys], `T.encoder_hidden_states.{i}`, `T.decoder_hidden_states.{i}`, `T.logits`; of a long text only some
rows of maps. golden/NAME.json: ids, decoder ids and the ids that greedy decoding writes.

golden/NAME.gradients.safetensors: by autograd in float64, for each target S of the short text, `S.source` and `S.written` with
respect to the vectors of what is read and written, `S.encoder.{i}` and `S.decoder.{i}` to the stream that enters each layer;
golden/NAME.gradients.json: the targets with their values.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import T5ForConditionalGeneration

HERE = pathlib.Path(__file__).resolve().parent
torch.set_num_threads(1)

COMMON = dict(architectures=["T5ForConditionalGeneration"], model_type="t5", is_encoder_decoder=True, dropout_rate=0.1, initializer_factor=1.0,
              layer_norm_epsilon=1e-6, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, use_cache=True)
PLANS = {
    "t5": (dict(COMMON, d_model=16, d_kv=6, d_ff=24, num_heads=3, num_layers=2, vocab_size=64, n_positions=512, relative_attention_num_buckets=32), torch.float32, 5),
    "t5-gated": (dict(COMMON, d_model=12, d_kv=8, d_ff=20, num_heads=2, num_layers=3, num_decoder_layers=2, vocab_size=768, feed_forward_proj="gated-gelu",
                      tie_word_embeddings=False, relative_attention_num_buckets=12, relative_attention_max_distance=40), torch.bfloat16, 23),
}


def shapes(c):
    width, heads, inner = c["d_model"], c["num_heads"] * c["d_kv"], c["d_ff"]
    result = {"shared.weight": (c["vocab_size"], width)}
    if not c.get("tie_word_embeddings", True):
        result["lm_head.weight"] = (c["vocab_size"], width)
    for stack, layers in (("encoder", c["num_layers"]), ("decoder", c.get("num_decoder_layers", c["num_layers"]))):
        for i in range(layers):
            parts = ["SelfAttention"] + (["EncDecAttention"] if stack == "decoder" else [])
            for place, part in enumerate(parts):
                name = f"{stack}.block.{i}.layer.{place}"
                result[f"{name}.layer_norm.weight"] = (width,)
                for map_ in "qkv":
                    result[f"{name}.{part}.{map_}.weight"] = (heads, width)
                result[f"{name}.{part}.o.weight"] = (width, heads)
                if i == 0 and place == 0:
                    result[f"{name}.{part}.relative_attention_bias.weight"] = (c["relative_attention_num_buckets"], c["num_heads"])
            name = f"{stack}.block.{i}.layer.{len(parts)}"
            result[f"{name}.layer_norm.weight"] = (width,)
            for map_ in (["wi_0", "wi_1"] if "gated" in c.get("feed_forward_proj", "relu") else ["wi"]):
                result[f"{name}.DenseReluDense.{map_}.weight"] = (inner, width)
            result[f"{name}.DenseReluDense.wo.weight"] = (width, inner)
        result[f"{stack}.final_layer_norm.weight"] = (width,)
    return result


def targets(count, vocabulary):
    """name, measure, terms (position, id, weight)"""
    last, middle = count - 1, count // 2
    return [("logit", "logit", [(last, 7, 1.0)]), ("difference", "logit", [(middle, 11, 1.0), (middle, vocabulary - 3, -1.0)]),
            ("probability", "logProbability", [(last, 5, 1.0), (0, 9, -0.5)])]


def gradients(model, ids, decoder):
    """tensors and records of every target, in double precision"""
    model = model.double().requires_grad_(False)
    tensors, records = {}, []
    for name, measure, terms in targets(len(decoder), model.config.vocab_size):
        source, written = (model.shared(torch.tensor([x])).detach().requires_grad_(True) for x in (ids, decoder))
        streams = {}

        def note(key):
            def hook(_, positional, named):
                stream = positional[0] if positional else named["hidden_states"]
                stream.retain_grad()
                streams[key] = stream
            return hook

        hooks = [block.register_forward_pre_hook(note(f"{part}.{i}"), with_kwargs=True)
                 for part in ("encoder", "decoder") for i, block in enumerate(getattr(model, part).block)]
        logits = model(inputs_embeds=source, decoder_inputs_embeds=written, use_cache=False).logits[0]
        for hook in hooks:
            hook.remove()
        scores = torch.log_softmax(logits, -1) if measure == "logProbability" else logits
        value = sum(weight * scores[position, token] for position, token, weight in terms)
        value.backward()
        for key, x in [("source", source), ("written", written), *streams.items()]:
            tensors[f"{name}.{key}"] = x.grad[0].float().contiguous()
        records.append(dict(name=name, measure=measure, value=float(value.detach()), terms=[dict(position=p, id=t, weight=w) for p, t, w in terms]))
    return tensors, records


def main():
    for name, (config, dtype, seed) in PLANS.items():
        generator = torch.Generator().manual_seed(seed)
        weights = {}
        for key, shape in sorted(shapes(config).items()):
            x = torch.randn(shape, generator=generator)
            if "norm" in key:
                x = 1 + 0.2 * x
            elif "bias" not in key and key != "shared.weight":
                x = x * (1.6 if key != "lm_head.weight" else 2.5) / shape[-1] ** 0.5
                if ".q." in key:
                    x = x / config["d_kv"] ** 0.5
            weights[key] = x.to(dtype).contiguous()
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config, indent=1))
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        model = T5ForConditionalGeneration.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        state = model.state_dict()
        for key, value in weights.items():
            assert torch.equal(state[key], value.float()), key
        assert torch.equal(model.lm_head.weight, state["shared.weight"]) == config.get("tie_word_embeddings", True)
        model.eval()
        golden, texts = {}, []
        for text, count, targets in (("short", 9, 5), ("single", 1, 1), ("long", 150, 60)):
            ids = [3 + (11 * i * i + 7 * i) % (config["vocab_size"] - 3) for i in range(count - 1)] + [1]
            decoder = [0] + [3 + (5 * i * i + 3 * i) % (config["vocab_size"] - 3) for i in range(targets - 1)]
            with torch.no_grad():
                out = model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([decoder]), output_attentions=True, output_hidden_states=True, use_cache=False)
                greedy = [0]
                for _ in range(20):
                    logits = model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([greedy]), use_cache=False).logits[0, -1]
                    greedy.append(int(logits.argmax()))
                    if greedy[-1] == 1:
                        break
            texts.append(dict(name=text, ids=ids, targetIDs=decoder, greedy=greedy[1:]))
            if text == "long":
                golden["long.logits"] = out.logits[0, -1:].clone()
                golden["long.encoder_rows"] = out.encoder_attentions[-1][0, :, [0, 70, 149]].contiguous()
                golden["long.decoder_rows"] = out.decoder_attentions[-1][0, :, [0, 30, 59]].contiguous()
                continue
            for kind in ("encoder_attentions", "decoder_attentions", "cross_attentions", "encoder_hidden_states", "decoder_hidden_states"):
                for layer, x in enumerate(getattr(out, kind)):
                    golden[f"{text}.{kind}.{layer}"] = x[0].contiguous().clone()
            golden[f"{text}.logits"] = out.logits[0].clone()
        save_file(golden, HERE / "golden" / f"{name}.safetensors")
        (HERE / "golden" / f"{name}.json").write_text(json.dumps({"texts": texts}))
        tensors, records = gradients(model, texts[0]["ids"], texts[0]["targetIDs"])
        save_file(tensors, HERE / "golden" / f"{name}.gradients.safetensors")
        (HERE / "golden" / f"{name}.gradients.json").write_text(json.dumps({"targets": records}))


if __name__ == "__main__":
    main()
