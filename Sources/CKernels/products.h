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
        for (int i = 0; i < VK_LANES; i++)
          block[i] = vf_load_type(type, group + i * stride + k * size);
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

VK_INLINE void tile_of(const int rows, int64_t depth, const float *a, const float *b, float *c,
                       int64_t stride, int32_t accumulate) {
  vf sums[VK_TILE_ROWS][VK_COLUMN_VECTORS];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < VK_COLUMN_VECTORS; j++)
      sums[i][j] = accumulate ? vf_load(c + i * stride + j * VK_LANES) : vf_all(0);
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

/// `outs` weight rows times `rows` activation rows, lanes along the summed index. One accumulator an output, so that
/// the order of its sum is the same for every choice of `outs` and `rows`.
VK_INLINE void rows_block(vk_type type, const int outs, const int rows, const char *w,
                          int64_t stride, int64_t depth, const float *x, int64_t x_stride, float *y,
                          int64_t y_stride) {
  const int64_t size = type_bytes(type);
  vf sums[8][8];
  for (int o = 0; o < outs; o++)
    for (int r = 0; r < rows; r++) sums[o][r] = vf_all(0);
  int64_t k = 0;
  for (; k + VK_LANES <= depth; k += VK_LANES) {
    vf inputs[8];
    for (int r = 0; r < rows; r++) inputs[r] = vf_load(x + r * x_stride + k);
    for (int o = 0; o < outs; o++) {
      const char *at = w + o * stride + k * size;
      __builtin_prefetch(at + 512);
      vf weights = vf_load_type(type, at);
      for (int r = 0; r < rows; r++) sums[o][r] = weights * inputs[r] + sums[o][r];
    }
  }
  if (k < depth) {
    for (int o = 0; o < outs; o++) {
      vf weights = vf_load_type_part(type, w + o * stride + k * size, depth - k);
      for (int r = 0; r < rows; r++)
        sums[o][r] = weights * vf_load_part(x + r * x_stride + k, depth - k) + sums[o][r];
    }
  }
  for (int o = 0; o < outs; o++)
    for (int r = 0; r < rows; r++) y[r * y_stride + o] = vf_sum(sums[o][r]);
}

VK_INLINE void rows_product_of(vk_type type, const int rows, const char *w, int64_t stride,
                               int64_t outs, int64_t depth, const float *x, int64_t x_stride,
                               float *y, int64_t y_stride) {
  // Four streams of weights are as many as the hardware prefetchers follow well.
  const int block = VK_LANES == 16 || rows <= 3 ? 4 : 2;
  int64_t o = 0;
  for (; o + block <= outs; o += block) {
    const char *at = w + o * stride;
    if (rows <= 4) {
      rows_block(type, block, rows, at, stride, depth, x, x_stride, y + o, y_stride);
    } else {
      // The second half of the rows finds the weights in the cache.
      rows_block(type, block, 4, at, stride, depth, x, x_stride, y + o, y_stride);
      rows_block(type, block, rows - 4, at, stride, depth, x + 4 * x_stride, x_stride,
                 y + 4 * y_stride + o, y_stride);
    }
  }
  for (; o < outs; o++)
    rows_block(type, 1, rows, w + o * stride, stride, depth, x, x_stride, y + o, y_stride);
}

VK_INLINE void rows_product_type(vk_type type, const char *w, int64_t stride, int64_t outs,
                                 int64_t depth, const float *x, int64_t x_stride, int32_t rows,
                                 float *y, int64_t y_stride) {
#define VK_CASE(n) \
  case n:          \
    return rows_product_of(type, n, w, stride, outs, depth, x, x_stride, y, y_stride);
  switch (rows) {
    VK_CASE(1)
    VK_CASE(2)
    VK_CASE(3)
    VK_CASE(4)
    VK_CASE(5)
    VK_CASE(6)
    VK_CASE(7)
    VK_CASE(8)
  }
#undef VK_CASE
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
