// The table of the loops compiled by the including file.

#ifndef VK_HAS_BF16
#define VK_HAS_BF16 0
#endif

const vk_kernels VK_TABLE = {
    .level = VK_LEVEL,
    .tile_rows = VK_TILE_ROWS,
    .tile_columns = VK_TILE_COLUMNS,
    .has_bf16_product = VK_HAS_BF16,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .pack_plain = pack_plain,
    .tile = tile,
    .pack_rows_bf16 = pack_rows_bf16,
    .pack_columns_bf16 = pack_columns_bf16,
    .tile_bf16 = tile_bf16,
    .rows_product = rows_product,
    .weighted_sum = weighted_sum,
    .maximum = maximum,
    .scaled_maximum = scaled_maximum,
    .sum = sum,
    .exponentials = exponentials,
    .softmax = softmax,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .silu = silu,
    .gelu = gelu,
    .gelu_tanh = gelu_tanh,
    .tanh = hyperbolic_tangent,
    .exp = exponential,
    .add = add,
    .multiply = multiply,
    .scale = scale,
    .rotate_halves = rotate_halves,
    .rotate_pairs = rotate_pairs,
    .widen = widen,
    .widen_blocks = widen_blocks,
    .widen_e4m3 = widen_e4m3,
    .narrow_bf16 = narrow_bf16,
    .narrow_f16 = narrow_f16,
};
