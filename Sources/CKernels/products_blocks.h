// Products of few rows with quantised weights, which are widened exactly, a piece of a row at a time, where they
// are used: the activations are not rounded.

VK_INLINE int64_t block_bytes(vk_block type) {
  switch (type) {
    case vk_block_q4_0:
      return 18;
    case vk_block_q4_1:
      return 20;
    case vk_block_q5_0:
      return 22;
    case vk_block_q5_1:
      return 24;
    case vk_block_q8_0:
      return 34;
    case vk_block_q4_k:
      return 144;
    case vk_block_q5_k:
      return 176;
    case vk_block_q6_k:
      return 210;
  }
  return 0;
}

VK_INLINE int64_t block_length(vk_block type) {
  return type == vk_block_q4_k || type == vk_block_q5_k || type == vk_block_q6_k ? 256 : 32;
}

VK_INLINE float scale_at(const uint8_t *x) {
#if VK_HALF_INSTRUCTIONS
  _Float16 half;
  __builtin_memcpy(&half, x, 2);
  return (float)half;
#else
  return half_at(x);
#endif
}

/// Whole numbers of 8 bits need no memory in between: a block's sum is multiplied by its scale.
VK_INLINE float single_row_q8_0(const uint8_t *w, int64_t depth, const float *x) {
  typedef int8_t vb __attribute__((vector_size(VK_LANES)));
  vf sums[2] = {vf_all(0), vf_all(0)};
  for (int64_t k = 0; k < depth; k += 32, w += 34, x += 32) {
    __builtin_prefetch(w + VK_AHEAD, 0, 2);
    vf block[2] = {vf_all(0), vf_all(0)};
    for (int j = 0; j < 32 / VK_LANES; j++) {
      vb bytes;
      __builtin_memcpy(&bytes, w + 2 + j * VK_LANES, sizeof bytes);
      vf numbers = __builtin_convertvector(__builtin_convertvector(bytes, vi), vf);
      block[j & 1] = numbers * vf_load(x + j * VK_LANES) + block[j & 1];
    }
    const vf scale = vf_all(scale_at(w));
    sums[0] = scale * block[0] + sums[0];
    sums[1] = scale * block[1] + sums[1];
  }
  return vf_sum(sums[0] + sums[1]);
}

/// The numbers of a weight row that are widened at a time: they stay in the nearest cache.
#define VK_PIECE 512

static void rows_product_blocks(vk_block type, const void *w, int64_t stride_bytes, int64_t outs,
                                int64_t depth, const float *x, int64_t x_stride, int32_t rows,
                                float *y, int64_t y_stride) {
  const uint8_t *weights = w;
  if (type == vk_block_q8_0 && rows == 1) {
    for (int64_t o = 0; o < outs; o++) y[o] = single_row_q8_0(weights + o * stride_bytes, depth, x);
    return;
  }
  const int64_t length = block_length(type), bytes = block_bytes(type);
  for (int64_t o = 0; o < outs; o++) {
    const uint8_t *row = weights + o * stride_bytes;
    for (int32_t first = 0; first < rows; first += 8) {
      const int32_t count = rows - first < 8 ? rows - first : 8;
      vf sums[8][2];
      for (int r = 0; r < 8; r++) sums[r][0] = sums[r][1] = vf_all(0);
      for (int64_t k = 0; k < depth; k += VK_PIECE) {
        const int64_t piece = depth - k < VK_PIECE ? depth - k : VK_PIECE;
        const uint8_t *from = row + k / length * bytes;
        float numbers[VK_PIECE];
        for (int64_t line = 0; line < piece / length * bytes; line += 64)
          __builtin_prefetch(from + VK_AHEAD + line, 0, 2);
        widen_blocks(type, from, numbers, piece / length);
        for (int32_t r = 0; r < count; r++) {
          const float *input = x + (first + r) * x_stride + k;
          vf one = sums[r][0], two = sums[r][1];
          for (int64_t i = 0; i < piece; i += 2 * VK_LANES) {
            one = vf_load(numbers + i) * vf_load(input + i) + one;
            two = vf_load(numbers + i + VK_LANES) * vf_load(input + i + VK_LANES) + two;
          }
          sums[r][0] = one;
          sums[r][1] = two;
        }
      }
      for (int32_t r = 0; r < count; r++)
        y[(first + r) * y_stride + o] = vf_sum(sums[r][0] + sums[r][1]);
    }
  }
}
