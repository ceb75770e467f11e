// Matrix products for one instruction set: packing, the register tile, and products of few rows.

#define VK_COLUMN_VECTORS 2
#define VK_TILE_COLUMNS (VK_COLUMN_VECTORS * VK_LANES)
#define VK_ROW_VECTORS ((VK_TILE_ROWS + VK_LANES - 1) / VK_LANES)

// Packing

static void pack_rows(const float *x, int64_t stride, int32_t rows, int64_t depth, float *panel) {
  int64_t k = 0;
  // A transposed vector is VK_LANES long where a panel's step is VK_TILE_ROWS: what is written too
  // far is overwritten by the next step, so the last steps are left to the loop below.
  for (; k + 2 * VK_LANES <= depth; k += VK_LANES) {
    vf block[VK_ROW_VECTORS][VK_LANES];
    for (int g = 0; g < VK_ROW_VECTORS; g++) {
      for (int i = 0; i < VK_LANES; i++) {
        int row = g * VK_LANES + i;
        block[g][i] = row < rows ? vf_load(x + row * stride + k) : vf_all(0);
      }
      vf_transpose(block[g]);
    }
    for (int i = 0; i < VK_LANES; i++)
      for (int g = 0; g < VK_ROW_VECTORS; g++)
        vf_store(panel + (k + i) * VK_TILE_ROWS + g * VK_LANES, block[g][i]);
  }
  for (; k < depth; k++)
    for (int row = 0; row < VK_TILE_ROWS; row++)
      panel[k * VK_TILE_ROWS + row] = row < rows ? x[row * stride + k] : 0;
}

VK_INLINE void pack_columns_type(vk_type type, const char *w, int64_t stride, int32_t columns,
                                 int64_t depth, float *panel) {
  const int64_t size = type_bytes(type);
  for (int g = 0; g < VK_COLUMN_VECTORS; g++) {
    float *out = panel + g * VK_LANES;
    const char *group = w + g * VK_LANES * stride;
    int present = columns - g * VK_LANES;
    int64_t k = 0;
    for (; k + VK_LANES <= depth; k += VK_LANES) {
      vf block[VK_LANES];
      if (present >= VK_LANES) {
        for (int i = 0; i < VK_LANES; i++) {
          // So many rows at a time are more than the hardware follows.
          __builtin_prefetch(group + i * stride + k * size + 256);
          block[i] = vf_load_type(type, group + i * stride + k * size);
        }
      } else {
        for (int i = 0; i < VK_LANES; i++)
          block[i] = i < present ? vf_load_type(type, group + i * stride + k * size) : vf_all(0);
      }
      vf_transpose(block);
      for (int i = 0; i < VK_LANES; i++) vf_store(out + (k + i) * VK_TILE_COLUMNS, block[i]);
    }
    if (k < depth) {
      vf block[VK_LANES];
      for (int i = 0; i < VK_LANES; i++)
        block[i] = i < present ? vf_load_type_part(type, group + i * stride + k * size, depth - k)
                               : vf_all(0);
      vf_transpose(block);
      for (int i = 0; i < depth - k; i++) vf_store(out + (k + i) * VK_TILE_COLUMNS, block[i]);
    }
  }
}

static void pack_columns(vk_type type, const void *w, int64_t stride_bytes, int32_t columns,
                         int64_t depth, float *panel) {
  if (type == vk_type_f32)
    pack_columns_type(vk_type_f32, w, stride_bytes, columns, depth, panel);
  else if (type == vk_type_bf16)
    pack_columns_type(vk_type_bf16, w, stride_bytes, columns, depth, panel);
  else
    pack_columns_type(vk_type_f16, w, stride_bytes, columns, depth, panel);
}

static void pack_plain(const float *b, int64_t stride, int32_t columns, int64_t depth,
                       float *panel) {
  for (int64_t k = 0; k < depth; k++) {
    const float *row = b + k * stride;
    float *out = panel + k * VK_TILE_COLUMNS;
    if (columns == VK_TILE_COLUMNS) {
      for (int j = 0; j < VK_COLUMN_VECTORS; j++)
        vf_store(out + j * VK_LANES, vf_load(row + j * VK_LANES));
    } else {
      for (int j = 0; j < VK_TILE_COLUMNS; j++) out[j] = j < columns ? row[j] : 0;
    }
  }
}

// The register tile

/// The sums begin with the rows of `start`, or with zeros where it is null.
VK_INLINE void tile_from(const int rows, int64_t depth, const float *a, const float *b,
                         const float *start, int64_t start_stride, float *c, int64_t stride) {
  vf sums[VK_TILE_ROWS][VK_COLUMN_VECTORS];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < VK_COLUMN_VECTORS; j++)
      sums[i][j] = start ? vf_load(start + i * start_stride + j * VK_LANES) : vf_all(0);
#pragma clang loop unroll_count(2)
  for (int64_t k = 0; k < depth; k++) {
    vf columns[VK_COLUMN_VECTORS];
    for (int j = 0; j < VK_COLUMN_VECTORS; j++) columns[j] = vf_load(b + j * VK_LANES);
    for (int i = 0; i < rows; i++) {
      vf row = vf_all(a[i]);
      for (int j = 0; j < VK_COLUMN_VECTORS; j++) sums[i][j] = row * columns[j] + sums[i][j];
    }
    a += VK_TILE_ROWS;
    b += VK_TILE_COLUMNS;
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < VK_COLUMN_VECTORS; j++) vf_store(c + i * stride + j * VK_LANES, sums[i][j]);
}

VK_INLINE void tile_of(const int rows, int64_t depth, const float *a, const float *b, float *c,
                       int64_t stride, int32_t accumulate) {
  tile_from(rows, depth, a, b, accumulate ? c : 0, stride, c, stride);
}

static void tile(int32_t rows, int64_t depth, const float *a, const float *b, float *c,
                 int64_t stride, int32_t accumulate) {
#define VK_CASE(n) \
  case n:          \
    return tile_of(n, depth, a, b, c, stride, accumulate);
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

static void tiles(int32_t count, int64_t depth, const float *a, const float *b, const float *start,
                  int64_t start_stride, float *c, int64_t stride) {
  const float *begin = start;
  for (int32_t t = 0; t < count; t++) {
    // The next tile's places are asked for while this one is computed: their rows are too far apart for the hardware.
    if (t + 1 < count) {
      const float *next = c + VK_TILE_ROWS * stride;
      for (int i = 0; i < VK_TILE_ROWS; i++) {
        __builtin_prefetch(next + i * stride, 1);
        __builtin_prefetch(next + i * stride + VK_TILE_COLUMNS - 1, 1);
      }
    }
    tile_from(VK_TILE_ROWS, depth, a, b, begin, start_stride, c, stride);
    a += VK_TILE_ROWS * depth;
    c += VK_TILE_ROWS * stride;
    if (begin) begin += VK_TILE_ROWS * start_stride;
  }
}

/// `tile_of` with the rows of a where they are, `row_stride` floats apart.
VK_INLINE void tile_rows_of(const int rows, int64_t depth, const float *a, int64_t row_stride,
                            const float *b, float *c, int64_t stride, int32_t accumulate) {
  vf sums[VK_TILE_ROWS][VK_COLUMN_VECTORS];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < VK_COLUMN_VECTORS; j++)
      sums[i][j] = accumulate ? vf_load(c + i * stride + j * VK_LANES) : vf_all(0);
  // A pointer for three rows: what an address can add to it is nothing, the stride or twice the stride.
  const float *starts[(VK_TILE_ROWS + 2) / 3];
  for (int i = 0; i < (VK_TILE_ROWS + 2) / 3; i++) starts[i] = a + 3 * i * row_stride;
  // Unrolled, the broadcasts of several steps would be taken before they have registers.
#pragma clang loop unroll(disable)
  for (int64_t k = 0; k < depth; k++) {
    vf columns[VK_COLUMN_VECTORS];
    for (int j = 0; j < VK_COLUMN_VECTORS; j++) columns[j] = vf_load(b + j * VK_LANES);
    for (int i = 0; i < rows; i++) {
      vf row = vf_all(starts[i / 3][i % 3 * row_stride]);
      for (int j = 0; j < VK_COLUMN_VECTORS; j++) sums[i][j] = row * columns[j] + sums[i][j];
    }
    for (int i = 0; i < (rows + 2) / 3; i++) starts[i]++;
    b += VK_TILE_COLUMNS;
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < VK_COLUMN_VECTORS; j++) vf_store(c + i * stride + j * VK_LANES, sums[i][j]);
}

static void tile_unpacked(int32_t rows, int64_t depth, const float *a, int64_t row_stride,
                          const float *b, float *c, int64_t stride, int32_t accumulate) {
#define VK_CASE(n) \
  case n:          \
    return tile_rows_of(n, depth, a, row_stride, b, c, stride, accumulate);
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

/// The sums of the lanes of four vectors.
VK_INLINE void vf_sums4(const vf *v, float *y) {
  typedef float v4 __attribute__((vector_size(16)));
  v4 quarters[4];
  for (int i = 0; i < 4; i++) {
#if VK_LANES == 16
    typedef float v8 __attribute__((vector_size(32)));
    v8 half = __builtin_shufflevector(v[i], v[i], 0, 1, 2, 3, 4, 5, 6, 7) +
              __builtin_shufflevector(v[i], v[i], 8, 9, 10, 11, 12, 13, 14, 15);
    quarters[i] = __builtin_shufflevector(half, half, 0, 1, 2, 3) +
                  __builtin_shufflevector(half, half, 4, 5, 6, 7);
#elif VK_LANES == 8
    quarters[i] = __builtin_shufflevector(v[i], v[i], 0, 1, 2, 3) +
                  __builtin_shufflevector(v[i], v[i], 4, 5, 6, 7);
#else
    quarters[i] = v[i];
#endif
  }
  v4 one = __builtin_shufflevector(quarters[0], quarters[1], 0, 4, 1, 5) +
           __builtin_shufflevector(quarters[0], quarters[1], 2, 6, 3, 7);
  v4 two = __builtin_shufflevector(quarters[2], quarters[3], 0, 4, 1, 5) +
           __builtin_shufflevector(quarters[2], quarters[3], 2, 6, 3, 7);
  v4 sums = __builtin_shufflevector(one, two, 0, 1, 4, 5) +
            __builtin_shufflevector(one, two, 2, 3, 6, 7);
  __builtin_memcpy(y, &sums, 16);
}

/// How far ahead of a single row's weights memory is asked for: their pages end too often for the
/// hardware to do it.
#define VK_AHEAD 8192

/// One activation row: the weights are read once from the first to the last, with four accumulators, since one
/// would wait for itself.
VK_INLINE void single_row(vk_type type, const char *w, int64_t stride, int64_t outs, int64_t depth,
                          const float *x, float *y) {
  const int64_t size = type_bytes(type), step = 4 * VK_LANES;
  for (int64_t o = 0; o < outs; o++) {
    const char *row = w + o * stride;
    vf sums[4] = {vf_all(0), vf_all(0), vf_all(0), vf_all(0)};
    int64_t k = 0;
    for (; k + step <= depth; k += step) {
      for (int64_t line = 0; line < step * size; line += 64)
        __builtin_prefetch(row + k * size + line + VK_AHEAD, 0, 2);
      for (int j = 0; j < 4; j++) {
        int64_t at = k + j * VK_LANES;
        sums[j] = vf_load_type(type, row + at * size) * vf_load(x + at) + sums[j];
      }
    }
    for (; k < depth; k += VK_LANES) {
      int64_t count = depth - k < VK_LANES ? depth - k : VK_LANES;
      sums[0] = vf_load_type_part(type, row + k * size, count) * vf_load_part(x + k, count) + sums[0];
    }
    y[o] = vf_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
}

/// The rows and weight rows that registers hold the sums of, with what is read of both beside them: x86 has 16
/// registers of 8 lanes, and 32 of 16 lanes; NEON has 32.
#if VK_LANES == 16
#define VK_GROUP_ROWS 6
#elif VK_LANES == 8
#define VK_GROUP_ROWS 2
#else
#define VK_GROUP_ROWS 3
#endif
#define VK_GROUP_OUTS 4

VK_INLINE void store_sums(vf sums[VK_GROUP_ROWS][VK_GROUP_OUTS], const int rows, const int outs,
                          float *y, int64_t y_stride) {
  for (int r = 0; r < rows; r++) {
    float results[VK_GROUP_OUTS];
    vf_sums4(sums[r], results);
    for (int o = 0; o < outs; o++) y[r * y_stride + o] = results[o];
  }
}

/// `outs` weight rows times `rows` activation rows, lanes along the summed index. One accumulator an output, so that
/// the order of its sum is the same for every choice of `outs` and `rows`.
VK_INLINE void rows_block(vk_type type, const int outs, const int rows, const char *w,
                          int64_t stride, int64_t depth, const float *x, int64_t x_stride, float *y,
                          int64_t y_stride) {
  const int64_t size = type_bytes(type);
  vf sums[VK_GROUP_ROWS][VK_GROUP_OUTS];
  for (int r = 0; r < VK_GROUP_ROWS; r++)
    for (int o = 0; o < VK_GROUP_OUTS; o++) sums[r][o] = vf_all(0);
  int64_t k = 0;
  for (; k + VK_LANES <= depth; k += VK_LANES) {
    vf weights[VK_GROUP_OUTS];
    for (int o = 0; o < outs; o++) {
      const char *at = w + o * stride + k * size;
      __builtin_prefetch(at + outs * stride, 0, 2);
      weights[o] = vf_load_type(type, at);
    }
    for (int r = 0; r < rows; r++) {
      vf input = vf_load(x + r * x_stride + k);
      for (int o = 0; o < outs; o++) sums[r][o] = weights[o] * input + sums[r][o];
    }
  }
  if (k < depth) {
    for (int o = 0; o < outs; o++) {
      vf weights = vf_load_type_part(type, w + o * stride + k * size, depth - k);
      for (int r = 0; r < rows; r++)
        sums[r][o] = weights * vf_load_part(x + r * x_stride + k, depth - k) + sums[r][o];
    }
  }
  store_sums(sums, rows, outs, y, y_stride);
}

VK_INLINE void rows_product_of(vk_type type, const int outs, const char *w, int64_t stride,
                               int64_t depth, const float *x, int64_t x_stride, int32_t rows,
                               float *y, int64_t y_stride) {
  int32_t r = 0;
  // After the first rows the others find the weights in the cache.
  for (; r + VK_GROUP_ROWS <= rows; r += VK_GROUP_ROWS)
    rows_block(type, outs, VK_GROUP_ROWS, w, stride, depth, x + r * x_stride, x_stride,
               y + r * y_stride, y_stride);
#define VK_CASE(n)                                                                              \
  case n:                                                                                       \
    rows_block(type, outs, n, w, stride, depth, x + r * x_stride, x_stride, y + r * y_stride, \
               y_stride);                                                                       \
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

VK_INLINE void rows_product_type(vk_type type, const char *w, int64_t stride, int64_t outs,
                                 int64_t depth, const float *x, int64_t x_stride, int32_t rows,
                                 float *y, int64_t y_stride) {
  if (rows == 1) return single_row(type, w, stride, outs, depth, x, y);
  int64_t o = 0;
  for (; o + VK_GROUP_OUTS <= outs; o += VK_GROUP_OUTS)
    rows_product_of(type, VK_GROUP_OUTS, w + o * stride, stride, depth, x, x_stride, rows, y + o,
                    y_stride);
  for (; o < outs; o++)
    rows_product_of(type, 1, w + o * stride, stride, depth, x, x_stride, rows, y + o, y_stride);
}

static void rows_product(vk_type type, const void *w, int64_t stride_bytes, int64_t outs,
                         int64_t depth, const float *x, int64_t x_stride, int32_t rows, float *y,
                         int64_t y_stride) {
  if (type == vk_type_f32)
    rows_product_type(vk_type_f32, w, stride_bytes, outs, depth, x, x_stride, rows, y, y_stride);
  else if (type == vk_type_bf16)
    rows_product_type(vk_type_bf16, w, stride_bytes, outs, depth, x, x_stride, rows, y, y_stride);
  else
    rows_product_type(vk_type_f16, w, stride_bytes, outs, depth, x, x_stride, rows, y, y_stride);
}

static void weighted_sum(const float *p, const float *v, int64_t stride, int64_t rows,
                         int64_t width, float *y) {
  int64_t i = 0;
  for (; i + 4 * VK_LANES <= width; i += 4 * VK_LANES) {
    vf sums[4];
    for (int j = 0; j < 4; j++) sums[j] = vf_load(y + i + j * VK_LANES);
    for (int64_t r = 0; r < rows; r++)
      for (int j = 0; j < 4; j++)
        sums[j] = p[r] * vf_load(v + r * stride + i + j * VK_LANES) + sums[j];
    for (int j = 0; j < 4; j++) vf_store(y + i + j * VK_LANES, sums[j]);
  }
  for (; i < width; i += VK_LANES) {
    int64_t count = width - i < VK_LANES ? width - i : VK_LANES;
    vf sum = vf_load_part(y + i, count);
    for (int64_t r = 0; r < rows; r++) sum = p[r] * vf_load_part(v + r * stride + i, count) + sum;
    vf_store_part(y + i, sum, count);
  }
}
