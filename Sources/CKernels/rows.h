// Row operations, activations and conversions for one instruction set.

static float maximum(const float *x, int64_t count) {
  vf largest = vf_all(-__builtin_inff());
  int64_t i = 0;
  for (; i + VK_LANES <= count; i += VK_LANES) largest = vf_max(vf_load(x + i), largest);
  float result = vf_largest(largest);
  for (; i < count; i++) result = x[i] > result ? x[i] : result;
  return result;
}

static float scaled_maximum(float factor, float *x, int64_t count) {
  vf largest = vf_all(-__builtin_inff());
  int64_t i = 0;
  for (; i + VK_LANES <= count; i += VK_LANES) {
    vf v = vf_load(x + i) * factor;
    vf_store(x + i, v);
    largest = vf_max(v, largest);
  }
  float result = vf_largest(largest);
  for (; i < count; i++) {
    x[i] *= factor;
    result = x[i] > result ? x[i] : result;
  }
  return result;
}

static float sum(const float *x, int64_t count) {
  vf sums[4] = {vf_all(0), vf_all(0), vf_all(0), vf_all(0)};
  int64_t i = 0;
  for (; i + 4 * VK_LANES <= count; i += 4 * VK_LANES)
    for (int j = 0; j < 4; j++) sums[j] += vf_load(x + i + j * VK_LANES);
  for (; i + VK_LANES <= count; i += VK_LANES) sums[0] += vf_load(x + i);
  if (i < count) sums[1] += vf_load_part(x + i, count - i);
  return vf_sum((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

/// The sum of (x - shift)^2.
VK_INLINE float sum_of_squares(const float *x, int64_t count, float shift) {
  vf sums[4] = {vf_all(0), vf_all(0), vf_all(0), vf_all(0)};
  int64_t i = 0;
  for (; i + 4 * VK_LANES <= count; i += 4 * VK_LANES)
    for (int j = 0; j < 4; j++) {
      vf d = vf_load(x + i + j * VK_LANES) - shift;
      sums[j] = d * d + sums[j];
    }
  for (; i + VK_LANES <= count; i += VK_LANES) {
    vf d = vf_load(x + i) - shift;
    sums[0] = d * d + sums[0];
  }
  float rest = 0;
  for (; i < count; i++) rest += (x[i] - shift) * (x[i] - shift);
  return vf_sum((sums[0] + sums[2]) + (sums[1] + sums[3])) + rest;
}

static float exponentials(float *x, int64_t count, float shift) {
  vf sums[2] = {vf_all(0), vf_all(0)};
  int64_t i = 0;
  for (; i + 2 * VK_LANES <= count; i += 2 * VK_LANES)
    for (int j = 0; j < 2; j++) {
      vf e = vf_exp(vf_load(x + i + j * VK_LANES) - shift);
      vf_store(x + i + j * VK_LANES, e);
      sums[j] += e;
    }
  for (; i < count; i += VK_LANES) {
    int64_t part = count - i < VK_LANES ? count - i : VK_LANES;
    vf_store_part(x + i, vf_exp(vf_load_part(x + i, part) - shift), part);
    sums[0] += vf_load_part(x + i, part);
  }
  return vf_sum(sums[0] + sums[1]);
}

static void scale(float factor, float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] *= factor;
}

static void softmax(float *x, int64_t count) {
  float largest = maximum(x, count);
  if (largest == -__builtin_inff()) {
    for (int64_t i = 0; i < count; i++) x[i] = 0;
    return;
  }
  float total = exponentials(x, count, largest);
  scale(1 / total, x, count);
}

/// y = (x - shift) * factor * weight + bias, where what is null is left out.
VK_INLINE void normalise(const float *x, float *y, const float *weight, const float *bias,
                         int64_t count, float shift, float factor) {
  if (weight && bias)
    for (int64_t i = 0; i < count; i++) y[i] = (x[i] - shift) * factor * weight[i] + bias[i];
  else if (weight)
    for (int64_t i = 0; i < count; i++) y[i] = (x[i] - shift) * factor * weight[i];
  else if (bias)
    for (int64_t i = 0; i < count; i++) y[i] = (x[i] - shift) * factor + bias[i];
  else
    for (int64_t i = 0; i < count; i++) y[i] = (x[i] - shift) * factor;
}

static void layer_norm(const float *x, float *y, const float *weight, const float *bias,
                       int64_t count, float epsilon) {
  float mean = sum(x, count) / (float)count;
  float variance = sum_of_squares(x, count, mean) / (float)count;
  normalise(x, y, weight, bias, count, mean, 1 / __builtin_sqrtf(variance + epsilon));
}

static void rms_norm(const float *x, float *y, const float *weight, int64_t count, float epsilon) {
  float square = sum_of_squares(x, count, 0) / (float)count;
  normalise(x, y, weight, 0, count, 0, 1 / __builtin_sqrtf(square + epsilon));
}

// Activations

VK_INLINE vf vf_silu(vf x) { return x / (1.0f + vf_exp(-x)); }

/// The normal distribution function is erfc(-x / sqrt 2) / 2, with erfc(u) = exp(-u^2) p(t) for u >= 0 and
/// t = 1 / (1 + u / 2); p is a minimax fit of exp(u^2) erfc(u) on [0, 14] (relative error 3e-7).
VK_INLINE vf vf_erfc_factor(vf u) {
  vf t = 1.0f / (u * 0.5f + 1.0f);
  vf p = t * -0.051247895f + 0.2455699f;
  p = p * t - 0.40405208f;
  p = p * t + 0.17907707f;
  p = p * t + 0.0455452f;
  p = p * t + 0.16945128f;
  p = p * t + 0.2527178f;
  p = p * t + 0.28069946f;
  p = p * t + 0.28224555f;
  return p * t - 6.260986e-06f;
}

VK_INLINE vf vf_gelu(vf x) {
  vf u = vf_abs(x) * 0.707106781186547524f;
  vf tail = vf_erfc_factor(u) * vf_exp(-(u * u)) * 0.5f;
  return x * vf_select(x < 0.0f, tail, 1.0f - tail);
}

VK_INLINE vf vf_gelu_tanh(vf x) {
  // 0.5 (1 + tanh z) is 1 / (1 + exp(-2 z)).
  vf twice = (x * x * 0.044715f + 1.0f) * x * 1.59576912160573071f;
  return x / (1.0f + vf_exp(-twice));
}

VK_INLINE vf vf_tanh(vf x) {
  // Near 0 the quotient would lose the relative precision that x + x^3 h(x^2) keeps.
  vf s = x * x;
  vf h = s * -0.0061131385f + 0.021010036f;
  h = h * s - 0.053854056f;
  h = h * s + 0.13332795f;
  h = h * s - 0.33333328f;
  vf near = x * s * h + x;
  vf size = vf_abs(x);
  vf far = 1.0f - 2.0f / (vf_exp(size + size) + 1.0f);
  vf signed_far = (vf)((vi)far | ((vi)x & (int32_t)0x80000000));
  return vf_select(size < 0.625f, near, signed_far);
}

#define VK_MAP(name, function)                                                  \
  static void name(const float *x, float *y, int64_t count) {                   \
    int64_t i = 0;                                                              \
    for (; i + VK_LANES <= count; i += VK_LANES)                                \
      vf_store(y + i, function(vf_load(x + i)));                                \
    if (i < count)                                                              \
      vf_store_part(y + i, function(vf_load_part(x + i, count - i)), count - i); \
  }

VK_MAP(silu, vf_silu)
VK_MAP(gelu, vf_gelu)
VK_MAP(gelu_tanh, vf_gelu_tanh)
VK_MAP(hyperbolic_tangent, vf_tanh)
VK_MAP(exponential, vf_exp)

static void add(const float *x, float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] += x[i];
}

static void multiply(const float *x, float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] *= x[i];
}

static void rotate_halves(float *x, const float *cosines, const float *sines, int64_t half) {
  for (int64_t i = 0; i < half; i++) {
    float a = x[i], b = x[half + i];
    x[i] = a * cosines[i] - b * sines[i];
    x[half + i] = b * cosines[i] + a * sines[i];
  }
}

static void rotate_pairs(float *x, const float *cosines, const float *sines, int64_t half) {
  for (int64_t i = 0; i < half; i++) {
    float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * cosines[i] - b * sines[i];
    x[2 * i + 1] = b * cosines[i] + a * sines[i];
  }
}

// Conversions

VK_INLINE void widen_type(vk_type type, const char *x, float *y, int64_t count) {
  const int64_t size = type_bytes(type);
  int64_t i = 0;
  for (; i + VK_LANES <= count; i += VK_LANES) vf_store(y + i, vf_load_type(type, x + i * size));
  if (i < count)
    vf_store_part(y + i, vf_load_type_part(type, x + i * size, count - i), count - i);
}

static void widen(vk_type type, const void *x, float *y, int64_t count) {
  if (type == vk_type_f32)
    widen_type(vk_type_f32, x, y, count);
  else if (type == vk_type_bf16)
    widen_type(vk_type_bf16, x, y, count);
  else
    widen_type(vk_type_f16, x, y, count);
}

static void narrow_bf16(const float *x, void *y, int64_t count) {
  char *out = y;
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, x + i, 4);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    // Rounding could carry a NaN's payload away: it is cut off and made quiet instead.
    uint32_t nan = (bits >> 16) | 0x40;
    uint16_t half = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
    __builtin_memcpy(out + i * 2, &half, 2);
  }
}

VK_INLINE uint16_t half_bits(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  uint32_t sign = (bits >> 16) & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return (uint16_t)(sign | 0x7e00 | ((size >> 13) & 0x1ff));
  if (size >= 0x477ff000) return (uint16_t)(sign | 0x7c00);  // from 65,520 on
  if (size < 0x38800000) {
    // Below the normal halves: adding 0.5 leaves the subnormal's bits, rounded to nearest even.
    float magnitude;
    __builtin_memcpy(&magnitude, &size, 4);
    magnitude += 0.5f;
    __builtin_memcpy(&size, &magnitude, 4);
    return (uint16_t)(sign | (size - 0x3f000000));
  }
  return (uint16_t)(sign | ((size - 0x38000000 + 0xfff + ((size >> 13) & 1)) >> 13));
}

static void narrow_f16(const float *x, void *y, int64_t count) {
  char *out = y;
  for (int64_t i = 0; i < count; i++) {
    uint16_t half = half_bits(x[i]);
    __builtin_memcpy(out + i * 2, &half, 2);
  }
}
