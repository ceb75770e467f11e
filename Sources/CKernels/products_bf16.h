// Products of two sides in bfloat16, summed in f32: panels of pairs of successive elements.
//
// With VK_HAS_BF16 the tile is made of the dot-product instruction (which takes subnormal inputs as 0);
// otherwise each pair is widened, so that every CPU has the function.

static void pack_rows_bf16(const float *x, int64_t stride, int32_t rows, int64_t depth,
                           uint32_t *panel) {
  int64_t pairs = (depth + 1) / 2;
  for (int row = 0; row < VK_TILE_ROWS; row++) {
    for (int64_t p = 0; p < pairs; p++) {
      uint16_t pair[2] = {0, 0};
      if (row < rows)
        narrow_bf16(x + row * stride + 2 * p, pair, depth - 2 * p < 2 ? 1 : 2);
      __builtin_memcpy(panel + p * VK_TILE_ROWS + row, pair, 4);
    }
  }
}

static void pack_columns_bf16(const void *w, int64_t stride_bytes, int32_t columns, int64_t depth,
                              uint32_t *panel) {
  const char *base = w;
  int64_t pairs = (depth + 1) / 2;
  for (int g = 0; g < VK_COLUMN_VECTORS; g++) {
    const char *group = base + g * VK_LANES * stride_bytes;
    float *out = (float *)panel + g * VK_LANES;
    int present = columns - g * VK_LANES;
    for (int64_t p = 0; p < pairs; p += VK_LANES) {
      int64_t bytes = depth * 2 - p * 4 < VK_LANES * 4 ? depth * 2 - p * 4 : VK_LANES * 4;
      vf block[VK_LANES];
      for (int i = 0; i < VK_LANES; i++) {
        block[i] = vf_all(0);
        if (i < present) {
          // So many rows at a time are more than the hardware follows.
          __builtin_prefetch(group + i * stride_bytes + p * 4 + 256);
          if (bytes == VK_LANES * 4)
            block[i] = vf_load(group + i * stride_bytes + p * 4);
          else
            __builtin_memcpy(&block[i], group + i * stride_bytes + p * 4, (size_t)bytes);
        }
      }
      vf_transpose(block);
      for (int i = 0; i < VK_LANES && p + i < pairs; i++)
        vf_store(out + (p + i) * VK_TILE_COLUMNS, block[i]);
    }
  }
}

VK_INLINE vf dot_pairs(vf sum, uint32_t a, vu b) {
#if VK_HAS_BF16
  return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int)a), (__m512bh)b);
#else
  union {
    uint32_t bits;
    float value;
  } low = {a << 16}, high = {a & 0xffff0000};
  sum = (vf)(b & 0xffff0000) * high.value + sum;
  return (vf)(b << 16) * low.value + sum;
#endif
}

VK_INLINE void tile_bf16_of(const int rows, int64_t pairs, const uint32_t *a, const uint32_t *b,
                            float *c, int64_t stride, int32_t accumulate) {
  vf sums[VK_TILE_ROWS][VK_COLUMN_VECTORS];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < VK_COLUMN_VECTORS; j++)
      sums[i][j] = accumulate ? vf_load(c + i * stride + j * VK_LANES) : vf_all(0);
#pragma clang loop unroll_count(2)
  for (int64_t p = 0; p < pairs; p++) {
    vu columns[VK_COLUMN_VECTORS];
    for (int j = 0; j < VK_COLUMN_VECTORS; j++) columns[j] = (vu)vf_load(b + j * VK_LANES);
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < VK_COLUMN_VECTORS; j++)
        sums[i][j] = dot_pairs(sums[i][j], a[i], columns[j]);
    a += VK_TILE_ROWS;
    b += VK_TILE_COLUMNS;
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < VK_COLUMN_VECTORS; j++) vf_store(c + i * stride + j * VK_LANES, sums[i][j]);
}

static void tile_bf16(int32_t rows, int64_t pairs, const uint32_t *a, const uint32_t *b, float *c,
                      int64_t stride, int32_t accumulate) {
#define VK_CASE(n) \
  case n:          \
    return tile_bf16_of(n, pairs, a, b, c, stride, accumulate);
  switch (rows) {
    VK_CASE(1)
    VK_CASE(2)
    VK_CASE(3)
    VK_CASE(4)
    VK_CASE(5)
    VK_CASE(6)
#if VK_TILE_ROWS == 12
    VK_CASE(7)
    VK_CASE(8)
    VK_CASE(9)
    VK_CASE(10)
    VK_CASE(11)
    VK_CASE(12)
#endif
  }
#undef VK_CASE
}

// Few rows

VK_INLINE vf dot_pair_vectors(vf sum, vu a, vu b) {
#if VK_HAS_BF16
  return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
  sum = (vf)(b & 0xffff0000) * (vf)(a & 0xffff0000) + sum;
  return (vf)(b << 16) * (vf)(a << 16) + sum;
#endif
}

/// The first `count` < 2 VK_LANES elements; the other lanes are 0.
VK_INLINE vu load_pairs_part(const char *p, int64_t count) {
  unsigned char buffer[VK_LANES * 4] = {0};
  __builtin_memcpy(buffer, p, (size_t)count * 2);
  return (vu)vf_load(buffer);
}

VK_INLINE void rows_block_bf16(const int outs, const int rows, const char *w, int64_t stride,
                               int64_t depth, const char *x, int64_t x_stride, float *y,
                               int64_t y_stride) {
  vf sums[VK_GROUP_ROWS][VK_GROUP_OUTS];
  for (int r = 0; r < VK_GROUP_ROWS; r++)
    for (int o = 0; o < VK_GROUP_OUTS; o++) sums[r][o] = vf_all(0);
  int64_t k = 0;
  for (; k + 2 * VK_LANES <= depth; k += 2 * VK_LANES) {
    vu weights[VK_GROUP_OUTS];
    for (int o = 0; o < outs; o++) {
      const char *at = w + o * stride + k * 2;
      __builtin_prefetch(at + outs * stride, 0, 2);
      weights[o] = (vu)vf_load(at);
    }
    for (int r = 0; r < rows; r++) {
      vu input = (vu)vf_load(x + r * x_stride + k * 2);
      for (int o = 0; o < outs; o++) sums[r][o] = dot_pair_vectors(sums[r][o], input, weights[o]);
    }
  }
  if (k < depth) {
    for (int o = 0; o < outs; o++) {
      vu weights = load_pairs_part(w + o * stride + k * 2, depth - k);
      for (int r = 0; r < rows; r++)
        sums[r][o] =
            dot_pair_vectors(sums[r][o], load_pairs_part(x + r * x_stride + k * 2, depth - k), weights);
    }
  }
  store_sums(sums, rows, outs, y, y_stride);
}

VK_INLINE void rows_product_bf16_of(const int outs, const char *w, int64_t stride, int64_t depth,
                                    const char *x, int64_t x_stride, int32_t rows, float *y,
                                    int64_t y_stride) {
  int32_t r = 0;
  for (; r + VK_GROUP_ROWS <= rows; r += VK_GROUP_ROWS)
    rows_block_bf16(outs, VK_GROUP_ROWS, w, stride, depth, x + r * x_stride, x_stride,
                    y + r * y_stride, y_stride);
#define VK_CASE(n)                                                                              \
  case n:                                                                                       \
    rows_block_bf16(outs, n, w, stride, depth, x + r * x_stride, x_stride, y + r * y_stride,    \
                    y_stride);                                                                  \
    break;
  switch (rows - r) {
    VK_CASE(1)
#if VK_GROUP_ROWS > 2
    VK_CASE(2)
#endif
#if VK_GROUP_ROWS == 6
    VK_CASE(3)
    VK_CASE(4)
    VK_CASE(5)
#endif
  }
#undef VK_CASE
}

static void rows_product_bf16(const void *w, int64_t stride_bytes, int64_t outs, int64_t depth,
                              const void *x, int64_t x_stride_bytes, int32_t rows, float *y,
                              int64_t y_stride) {
  const char *weights = w;
  int64_t o = 0;
  for (; o + VK_GROUP_OUTS <= outs; o += VK_GROUP_OUTS)
    rows_product_bf16_of(VK_GROUP_OUTS, weights + o * stride_bytes, stride_bytes, depth, x,
                         x_stride_bytes, rows, y + o, y_stride);
  for (; o < outs; o++)
    rows_product_bf16_of(1, weights + o * stride_bytes, stride_bytes, depth, x, x_stride_bytes,
                         rows, y + o, y_stride);
}
