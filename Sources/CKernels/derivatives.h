// Derivatives of the row operations and activations for one instruction set.

/// The sum of (x[i] - shift) w[i] g[i], with w of ones where it is null.
VK_INLINE float weighted_product(const float *x, const float *weight, const float *g,
                                 int64_t count, float shift) {
  vf sums[2] = {vf_all(0), vf_all(0)};
  int64_t i = 0;
  for (; i + 2 * VK_LANES <= count; i += 2 * VK_LANES)
    for (int j = 0; j < 2; j++) {
      vf h = vf_load(g + i + j * VK_LANES);
      if (weight) h *= vf_load(weight + i + j * VK_LANES);
      sums[j] = (vf_load(x + i + j * VK_LANES) - shift) * h + sums[j];
    }
  float rest = 0;
  for (; i < count; i++) rest += (x[i] - shift) * (weight ? weight[i] * g[i] : g[i]);
  return vf_sum(sums[0] + sums[1]) + rest;
}

/// y = factor g w - part (x - shift) - constant, with w of ones where it is null.
VK_INLINE void normalise_gradient(const float *x, const float *weight, const float *g, float *y,
                                  int64_t count, float shift, float factor, float part,
                                  float constant) {
  if (weight)
    for (int64_t i = 0; i < count; i++)
      y[i] = factor * (weight[i] * g[i]) - part * (x[i] - shift) - constant;
  else
    for (int64_t i = 0; i < count; i++) y[i] = factor * g[i] - part * (x[i] - shift) - constant;
}

static void rms_norm_gradient(const float *x, const float *weight, const float *g, float *y,
                              int64_t count, float epsilon) {
  float square = sum_of_squares(x, count, 0) / (float)count;
  float factor = 1 / __builtin_sqrtf(square + epsilon);
  float mean = weighted_product(x, weight, g, count, 0) / (float)count;
  normalise_gradient(x, weight, g, y, count, 0, factor, factor * factor * factor * mean, 0);
}

static void layer_norm_gradient(const float *x, const float *weight, const float *g, float *y,
                                int64_t count, float epsilon) {
  float shift = sum(x, count) / (float)count;
  float variance = sum_of_squares(x, count, shift) / (float)count;
  float factor = 1 / __builtin_sqrtf(variance + epsilon);
  float mean = weighted_product(x, weight, g, count, shift) / (float)count;
  float level = 0;
  if (weight) {
    vf sums = vf_all(0);
    int64_t i = 0;
    for (; i + VK_LANES <= count; i += VK_LANES)
      sums = vf_load(weight + i) * vf_load(g + i) + sums;
    for (; i < count; i++) level += weight[i] * g[i];
    level += vf_sum(sums);
  } else {
    level = sum(g, count);
  }
  normalise_gradient(x, weight, g, y, count, shift, factor, factor * factor * factor * mean,
                     factor * level / (float)count);
}

// Activations: the derivative at x, which the maps below multiply by the gradient.

VK_INLINE vf vf_silu_slope(vf x) {
  vf s = 1.0f / (1.0f + vf_exp(-x));
  // x (1 - s) with 1 - s = 1 / (1 + e^x), so that nothing cancels for large x; e^x may be infinite.
  return s * (x / (1.0f + vf_exp(x)) + 1.0f);
}

VK_INLINE vf vf_gelu_slope(vf x) {
  // The distribution function, which vf_gelu gives times x, and x times the density.
  vf u = vf_abs(x) * 0.707106781186547524f;
  vf density = vf_exp(-(u * u));
  vf tail = vf_erfc_factor(u) * density * 0.5f;
  return vf_select(x < 0.0f, tail, 1.0f - tail) + x * density * 0.398942280401432678f;
}

VK_INLINE vf vf_gelu_tanh_slope(vf x) {
  // With s = 1 / (1 + exp(-z)) the function is x s, and its slope s + x s (1 - s) z'.
  vf z = (x * x * 0.044715f + 1.0f) * x * 1.59576912160573071f;
  vf slope = (x * x * 0.134145f + 1.0f) * 1.59576912160573071f;
  vf s = 1.0f / (1.0f + vf_exp(-z));
  vf rest = 1.0f / (1.0f + vf_exp(z));
  // Far out the cubic factor overflows where s (1 - s) is 0.
  vf bump = s * rest;
  return s + vf_select(bump > 0.0f, x * slope * bump, vf_all(0));
}

#define VK_SLOPE_MAP(name, slope)                                             \
  static void name(const float *x, const float *g, float *y, int64_t count) { \
    int64_t i = 0;                                                            \
    for (; i + VK_LANES <= count; i += VK_LANES)                              \
      vf_store(y + i, slope(vf_load(x + i)) * vf_load(g + i));                \
    if (i < count) {                                                          \
      int64_t part = count - i;                                               \
      vf v = slope(vf_load_part(x + i, part)) * vf_load_part(g + i, part);    \
      vf_store_part(y + i, v, part);                                          \
    }                                                                         \
  }

VK_SLOPE_MAP(silu_gradient, vf_silu_slope)
VK_SLOPE_MAP(gelu_gradient, vf_gelu_slope)
VK_SLOPE_MAP(gelu_tanh_gradient, vf_gelu_tanh_slope)

/// Replaces a gate and what it lets through by their gradients.
VK_INLINE void gate_slopes(vf *gate, vf *up, vf g) {
  vf a = *gate, b = *up;
  *gate = g * b * vf_silu_slope(a);
  *up = g * vf_silu(a);
}

static void gated_gradient(float *gate, float *up, const float *g, int64_t count) {
  int64_t i = 0;
  for (; i + VK_LANES <= count; i += VK_LANES) {
    vf a = vf_load(gate + i), b = vf_load(up + i);
    gate_slopes(&a, &b, vf_load(g + i));
    vf_store(gate + i, a);
    vf_store(up + i, b);
  }
  if (i < count) {
    int64_t part = count - i;
    vf a = vf_load_part(gate + i, part), b = vf_load_part(up + i, part);
    gate_slopes(&a, &b, vf_load_part(g + i, part));
    vf_store_part(gate + i, a, part);
    vf_store_part(up + i, b, part);
  }
}

static void score_gradient(const float *p, float *g, int64_t count, float level, float factor) {
  for (int64_t i = 0; i < count; i++) g[i] = p[i] * (g[i] - level) * factor;
}

static float dot(const float *x, const float *y, int64_t count) {
  return weighted_product(x, 0, y, count, 0);
}

static void pack_plain_rows(const float *b, int64_t stride, int32_t rows, int64_t depth,
                            float *panel) {
  for (int64_t k = 0; k < depth; k++) {
    const float *from = b + k * stride;
    float *to = panel + k * VK_TILE_ROWS;
    if (rows == VK_TILE_ROWS)
      __builtin_memcpy(to, from, VK_TILE_ROWS * 4);
    else
      for (int j = 0; j < VK_TILE_ROWS; j++) to[j] = j < rows ? from[j] : 0;
  }
}

VK_INLINE void pack_plain_type(vk_type type, const char *w, int64_t stride, int32_t columns,
                               int64_t depth, float *panel) {
  const int64_t size = type_bytes(type);
  for (int64_t k = 0; k < depth; k++) {
    const char *row = w + k * stride;
    float *out = panel + k * VK_TILE_COLUMNS;
    for (int j = 0; j < VK_COLUMN_VECTORS; j++) {
      int64_t present = columns - j * VK_LANES;
      vf v = vf_all(0);
      if (present >= VK_LANES)
        v = vf_load_type(type, row + j * VK_LANES * size);
      else if (present > 0)
        v = vf_load_type_part(type, row + j * VK_LANES * size, present);
      vf_store(out + j * VK_LANES, v);
    }
  }
}

static void pack_plain_stored(vk_type type, const void *w, int64_t stride_bytes, int32_t columns,
                              int64_t depth, float *panel) {
  if (type == vk_type_f32)
    pack_plain_type(vk_type_f32, w, stride_bytes, columns, depth, panel);
  else if (type == vk_type_bf16)
    pack_plain_type(vk_type_bf16, w, stride_bytes, columns, depth, panel);
  else
    pack_plain_type(vk_type_f16, w, stride_bytes, columns, depth, panel);
}

static void pack_plain_bf16(const void *w, int64_t stride_bytes, int32_t columns, int64_t depth,
                            uint32_t *panel) {
  for (int64_t k = 0; k < depth; k += 2) {
    const char *even = (const char *)w + k * stride_bytes, *odd = even + stride_bytes;
    uint32_t *out = panel + k / 2 * VK_TILE_COLUMNS;
    if (columns == VK_TILE_COLUMNS && k + 1 < depth) {
      for (int j = 0; j < VK_COLUMN_VECTORS; j++) {
        vh low, high;
        __builtin_memcpy(&low, even + j * VK_LANES * 2, sizeof low);
        __builtin_memcpy(&high, odd + j * VK_LANES * 2, sizeof high);
        vu pairs = __builtin_convertvector(low, vu) | (__builtin_convertvector(high, vu) << 16);
        __builtin_memcpy(out + j * VK_LANES, &pairs, sizeof pairs);
      }
      continue;
    }
    for (int j = 0; j < VK_TILE_COLUMNS; j++) {
      uint16_t low = 0, high = 0;
      if (j < columns) {
        __builtin_memcpy(&low, even + j * 2, 2);
        if (k + 1 < depth) __builtin_memcpy(&high, odd + j * 2, 2);
      }
      out[j] = (uint32_t)low | (uint32_t)high << 16;
    }
  }
}
