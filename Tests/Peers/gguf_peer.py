"""The peer llama.cpp: its `llama-bench` on a GGUF file that holds a checkpoint of Tests/Peers/engine."""
import json
import subprocess

#: What the tensors of a llama's layer are called in safetensors and in GGUF files.
LAYER_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OTHER_NAMES = {"model.embed_tokens.weight": "token_embd.weight", "lm_head.weight": "output.weight",
               "model.norm.weight": "output_norm.weight"}


def gguf_name(name):
    if name in OTHER_NAMES:
        return OTHER_NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{LAYER_NAMES[rest.removesuffix('.weight')]}.weight"


def byte_alphabet():
    """The characters that stand for the 256 bytes in byte-level BPE."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) for byte in shown] + [chr(256 + index) for index in range(len(hidden))]


def write_gguf(checkpoint, path, kind):
    """Writes a checkpoint's weights as F32, BF16 or Q8_0 (matrices) to a GGUF file, unless it is there.

    The vocabulary is byte-level with one merge and invented tokens: the programs are only timed.
    """
    import gguf
    import numpy
    from safetensors import safe_open
    if path.exists():
        return
    config = json.loads((checkpoint / "config.json").read_text())
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    quantization = gguf.GGMLQuantizationType[kind]
    partial = path.with_suffix(".partial")
    writer = gguf.GGUFWriter(partial, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(hidden)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(hidden // heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(config["vocab_size"])
    tokens = [*byte_alphabet(), "ab"]
    tokens += [f"token{index}" for index in range(len(tokens), config["vocab_size"])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("deepseek-llm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(config["vocab_size"] - 2)
    writer.add_eos_token_id(config["vocab_size"] - 1)
    with safe_open(checkpoint / "model.safetensors", "pt") as file:
        for name in file.keys():
            values = file.get_tensor(name).float().numpy()
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                # GGUF's llama turns neighbouring pairs, transformers' the halves of a head.
                values = values.reshape(heads, 2, hidden // heads // 2, hidden).swapaxes(1, 2)
                values = numpy.ascontiguousarray(values.reshape(hidden, hidden))
            if values.ndim == 1:
                writer.add_tensor(gguf_name(name), values)
            else:
                writer.add_tensor(gguf_name(name), gguf.quants.quantize(values, quantization),
                                  raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.rename(path)


def llama_bench(program, path, lengths, threads):
    """Times in ms, by "forward N" (prompt of N tokens, the last one's logits) and "decode 1"."""
    command = [program, "-m", path, "-t", str(threads), "-r", "3", "-o", "jsonl",
               "-p", ",".join(map(str, lengths)), "-n", "16"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    times = {}
    for line in output.splitlines():
        if not line.startswith("{"):
            continue
        item = json.loads(line)
        best = max(item["samples_ts"])
        if item["n_gen"]:
            times["decode 1"] = 1e3 / best
        else:
            times[f"forward {item['n_prompt']}"] = item["n_prompt"] / best * 1e3
    return times
