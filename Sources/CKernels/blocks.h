// Quantised numbers widened to floats: GGUF's blocks and 8-bit floats.
//
// The sources never overlap the results (`restrict`), without which nothing here becomes vectors: bytes may
// alias anything.
//
// Every block has scales in half precision and small whole numbers. The products of both are exact in single
// precision, so that a number is rounded at most once, where a minimum is added, with or without
// fused multiply-add.

static float half_at(const uint8_t *x) {
  uint32_t half = (uint32_t)x[0] | (uint32_t)x[1] << 8;
  uint32_t sign = (half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 0x3ff;
  if (exponent == 0) {
    float magnitude = (float)mantissa * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  uint32_t bits = sign | (exponent == 31 ? 0x7f800000 : (exponent + 112) << 23) | mantissa << 13;
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

// Blocks of 32: the low halves of 16 bytes, then the high ones.

VK_INLINE void widen_nibbles(const uint8_t *restrict x, float scale, float offset, int32_t shift,
                               float *restrict y) {
  // Unrolled before they are made vectors, loops of sixteen would stay single numbers.
#pragma clang loop unroll(disable)
  for (int l = 0; l < 16; l++) y[l] = scale * (float)((int32_t)(x[l] & 15) - shift) + offset;
#pragma clang loop unroll(disable)
  for (int l = 0; l < 16; l++) y[l + 16] = scale * (float)((int32_t)(x[l] >> 4) - shift) + offset;
}

VK_INLINE void widen_fives(const uint8_t *high, const uint8_t *restrict x, float scale, float offset,
                           int32_t shift, float *restrict y) {
  uint32_t bits;
  __builtin_memcpy(&bits, high, 4);
  for (int l = 0; l < 16; l++) {
    int32_t first = (int32_t)(x[l] & 15) | (int32_t)((bits >> l) & 1) << 4;
    int32_t second = (int32_t)(x[l] >> 4) | (int32_t)((bits >> (l + 16)) & 1) << 4;
    y[l] = scale * (float)(first - shift) + offset;
    y[l + 16] = scale * (float)(second - shift) + offset;
  }
}

VK_INLINE void widen_bytes(const uint8_t *restrict x, float scale, float *restrict y) {
  for (int l = 0; l < 32; l++) y[l] = scale * (float)(int8_t)x[l];
}

// Blocks of 256: eight scales and eight minima of six bits are packed into twelve bytes.

VK_INLINE void six_bits(const uint8_t *s, int j, float *scale, float *minimum) {
  if (j < 4) {
    *scale = (float)(s[j] & 63);
    *minimum = (float)(s[j + 4] & 63);
  } else {
    *scale = (float)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
    *minimum = (float)((s[j + 4] >> 4) | (s[j] >> 6) << 4);
  }
}

static void widen_q4_k(const uint8_t *restrict x, float *restrict y) {
  const float d = half_at(x), m = half_at(x + 2);
  for (int j = 0; j < 8; j++) {
    float scale, minimum;
    six_bits(x + 4, j, &scale, &minimum);
    const float factor = d * scale, offset = m * minimum;
    const uint8_t *q = x + 16 + 32 * (j / 2);
    if (j & 1)
      for (int l = 0; l < 32; l++) y[32 * j + l] = factor * (float)(int32_t)(q[l] >> 4) - offset;
    else
      for (int l = 0; l < 32; l++) y[32 * j + l] = factor * (float)(int32_t)(q[l] & 15) - offset;
  }
}

static void widen_q5_k(const uint8_t *restrict x, float *restrict y) {
  const float d = half_at(x), m = half_at(x + 2);
  const uint8_t *high = x + 16;
  for (int j = 0; j < 8; j++) {
    float scale, minimum;
    six_bits(x + 4, j, &scale, &minimum);
    const float factor = d * scale, offset = m * minimum;
    const uint8_t *q = x + 48 + 32 * (j / 2);
    const int shift = 4 * (j & 1);
    for (int l = 0; l < 32; l++) {
      const int32_t value = ((q[l] >> shift) & 15) | ((high[l] >> j) & 1) << 4;
      y[32 * j + l] = factor * (float)value - offset;
    }
  }
}

static void widen_q6_k(const uint8_t *restrict x, float *restrict y) {
  const float d = half_at(x + 208);
  for (int part = 0; part < 16; part++) {
    const int half = part / 8, quarter = part % 8 / 2, start = 16 * (part % 2);
    const float factor = d * (float)(int8_t)x[192 + part];
    const uint8_t *low = x + 64 * half + 32 * (quarter & 1) + start;
    const uint8_t *high = x + 128 + 32 * half + start;
    float *out = y + 128 * half + 32 * quarter + start;
#pragma clang loop unroll(disable)
    for (int l = 0; l < 16; l++) {
      const int32_t value =
          ((low[l] >> (quarter < 2 ? 0 : 4)) & 15) | ((high[l] >> (2 * quarter)) & 3) << 4;
      out[l] = factor * (float)(value - 32);
    }
  }
}

static void widen_blocks(vk_block type, const void *source, float *y, int64_t blocks) {
  const uint8_t *x = source;
  switch (type) {
    case vk_block_q4_0:
      for (int64_t i = 0; i < blocks; i++, x += 18, y += 32)
        widen_nibbles(x + 2, half_at(x), -0.0f, 8, y);
      break;
    case vk_block_q4_1:
      for (int64_t i = 0; i < blocks; i++, x += 20, y += 32)
        widen_nibbles(x + 4, half_at(x), half_at(x + 2), 0, y);
      break;
    case vk_block_q5_0:
      for (int64_t i = 0; i < blocks; i++, x += 22, y += 32)
        widen_fives(x + 2, x + 6, half_at(x), -0.0f, 16, y);
      break;
    case vk_block_q5_1:
      for (int64_t i = 0; i < blocks; i++, x += 24, y += 32)
        widen_fives(x + 4, x + 8, half_at(x), half_at(x + 2), 0, y);
      break;
    case vk_block_q8_0:
      for (int64_t i = 0; i < blocks; i++, x += 34, y += 32) {
        widen_bytes(x + 2, half_at(x), y);
      }
      break;
    case vk_block_q4_k:
      for (int64_t i = 0; i < blocks; i++, x += 144, y += 256) widen_q4_k(x, y);
      break;
    case vk_block_q5_k:
      for (int64_t i = 0; i < blocks; i++, x += 176, y += 256) widen_q5_k(x, y);
      break;
    case vk_block_q6_k:
      for (int64_t i = 0; i < blocks; i++, x += 210, y += 256) widen_q6_k(x, y);
      break;
  }
}

static void widen_e4m3(const void *source, float factor, float *restrict y, int64_t count) {
  const uint8_t *restrict x = source;
  for (int64_t i = 0; i < count; i++) {
    const uint32_t size = x[i] & 0x7f;
    const uint32_t sign = (uint32_t)(x[i] & 0x80) << 24;
    // Below the normal numbers the mantissa counts steps of 2^-9; all ones are NaN.
    const float step = (float)(int32_t)(size & 7) * 0x1p-9f;
    uint32_t small;
    __builtin_memcpy(&small, &step, 4);
    uint32_t bits = size < 8 ? small : (size << 20) + (120u << 23);
    bits = (size == 0x7f ? 0x7fc00000 : bits) | sign;
    float value;
    __builtin_memcpy(&value, &bits, 4);
    y[i] = value * factor;
  }
}
