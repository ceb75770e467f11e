// One vector of VK_LANES floats, for the instruction set that the including file has chosen.
//
// The loops are written once, with the compiler's generic vectors; each kernels_<level>.c sets VK_LANES
// and its instruction set and includes them. Sums of the form a * b + c contract to a fused multiply-add where
// the set has one.

#pragma STDC FP_CONTRACT ON

#define VK_INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(VK_LANES * 4)));
typedef int32_t vi __attribute__((vector_size(VK_LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(VK_LANES * 4)));
typedef uint16_t vh __attribute__((vector_size(VK_LANES * 2)));

VK_INLINE vf vf_load(const void *p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

VK_INLINE void vf_store(float *p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

VK_INLINE vf vf_all(float s) { return s - (vf){0}; }  // folds to a broadcast

VK_INLINE vf vf_select(vi mask, vf yes, vf no) {
  return (vf)(((vi)yes & mask) | ((vi)no & ~mask));
}

VK_INLINE vf vf_abs(vf x) { return (vf)((vi)x & 0x7fffffff); }

/// The larger of each pair; `b` where either is NaN.
VK_INLINE vf vf_max(vf a, vf b) { return vf_select(a > b, a, b); }

VK_INLINE vf vf_widen_bf16(vh h) {
  return (vf)(__builtin_convertvector(h, vu) << 16);
}

VK_INLINE vf vf_widen_f16(vh h) {
#if VK_HALF_INSTRUCTIONS
  typedef _Float16 vhalf __attribute__((vector_size(VK_LANES * 2)));
  return __builtin_convertvector((vhalf)h, vf);
#else
  // The exponent is rebased by a multiplication, which makes subnormal halves exact as well; what
  // had the largest exponent becomes infinity or NaN again.
  vu bits = __builtin_convertvector(h, vu);
  vf magnitude = (vf)((bits & 0x7fff) << 13) * 0x1p112f;
  vu special = (vu)(magnitude >= 65536.0f) & 0x7f800000;
  return (vf)((vu)magnitude | special | ((bits & 0x8000) << 16));
#endif
}

/// One vector of storage elements, widened. `type` is a constant wherever this is inlined.
VK_INLINE vf vf_load_type(vk_type type, const void *p) {
  if (type == vk_type_f32) return vf_load(p);
  vh h;
  __builtin_memcpy(&h, p, sizeof h);
  return type == vk_type_bf16 ? vf_widen_bf16(h) : vf_widen_f16(h);
}

VK_INLINE int64_t type_bytes(vk_type type) { return type == vk_type_f32 ? 4 : 2; }

#if VK_LANES == 16
// AVX-512 leaves out lanes by itself, which also keeps it from reading past the end of a page.

VK_INLINE vf vf_load_type_part(vk_type type, const void *p, int64_t count) {
  __mmask16 lanes = (__mmask16)((1u << count) - 1);
  if (type == vk_type_f32) return (vf)_mm512_maskz_loadu_ps(lanes, p);
  vh h = (vh)_mm256_maskz_loadu_epi16(lanes, p);
  return type == vk_type_bf16 ? vf_widen_bf16(h) : vf_widen_f16(h);
}

VK_INLINE void vf_store_part(float *p, vf v, int64_t count) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}
#else
/// The first `count` <= VK_LANES storage elements, widened; the other lanes are 0.
VK_INLINE vf vf_load_type_part(vk_type type, const void *p, int64_t count) {
  unsigned char buffer[VK_LANES * 4] = {0};
  __builtin_memcpy(buffer, p, (size_t)(count * type_bytes(type)));
  return vf_load_type(type, buffer);
}

VK_INLINE void vf_store_part(float *p, vf v, int64_t count) {
  __builtin_memcpy(p, &v, (size_t)count * 4);
}
#endif

VK_INLINE vf vf_load_part(const float *p, int64_t count) {
  return vf_load_type_part(vk_type_f32, p, count);
}

/// The sum of the lanes, by halves: the order is the same in every function.
VK_INLINE float vf_sum(vf v) {
  float lanes[VK_LANES];
  vf_store(lanes, v);
#if VK_LANES == 16
  typedef float v8 __attribute__((vector_size(32)));
  v8 low8, high8;
  __builtin_memcpy(&low8, lanes, 32);
  __builtin_memcpy(&high8, lanes + 8, 32);
  low8 += high8;
  __builtin_memcpy(lanes, &low8, 32);
#endif
  typedef float v4 __attribute__((vector_size(16)));
  v4 low4;
  __builtin_memcpy(&low4, lanes, 16);
#if VK_LANES >= 8
  v4 high4;
  __builtin_memcpy(&high4, lanes + 4, 16);
  low4 += high4;
#endif
  return (low4[0] + low4[2]) + (low4[1] + low4[3]);
}

VK_INLINE float vf_largest(vf v) {
  float lanes[VK_LANES];
  vf_store(lanes, v);
  for (int half = VK_LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++)
      lanes[i] = lanes[i] > lanes[half + i] ? lanes[i] : lanes[half + i];
  return lanes[0];
}

/// exp(x) to about one unit in the last place; 0 below -103.98, infinity above 88.73.
///
/// x = n ln 2 + r; e^r = 1 + r + r^2 g(r) with a minimax polynomial g (relative error 1e-8).
VK_INLINE vf vf_exp(vf x) {
  const float low = -104.0f, high = 88.8f;
  vf clamped = vf_select(x < low, vf_all(low), x);
  clamped = vf_select(x > high, vf_all(high), clamped);
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  vf shifted = clamped * 1.44269504088896341f + magic;
  vf n = shifted - magic;
  vf r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440054690583e-4f;
  vf g = r * 0.0013941214f + 0.008363235f;
  g = g * r + 0.041666374f;
  g = g * r + 0.16666576f;
  g = g * r + 0.5f;
  vf e = (g * r) * r + r + 1.0f;
  // Two factors, so that results below the normal range and the largest ones are reached.
  vi whole = (vi)shifted - (vi)vf_all(magic);
  vi first = whole >> 1;
  vi second = whole - first;
  return e * (vf)((first + 127) << 23) * (vf)((second + 127) << 23);
}

/// Swaps rows and columns of VK_LANES vectors.
VK_INLINE void vf_transpose(vf *r) {
  vf t[VK_LANES];
#if VK_LANES == 4
  t[0] = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  t[1] = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  t[2] = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  t[3] = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  r[0] = __builtin_shufflevector(t[0], t[1], 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(t[0], t[1], 2, 3, 6, 7);
  r[2] = __builtin_shufflevector(t[2], t[3], 0, 1, 4, 5);
  r[3] = __builtin_shufflevector(t[2], t[3], 2, 3, 6, 7);
#elif VK_LANES == 8
  for (int i = 0; i < 8; i += 2) {
    t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; j++) {
      vf a = t[i + j], b = t[i + 2 + j];
      r[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; i++) {
    vf a = r[i], b = r[i + 4];
    r[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    r[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
#else
  for (int i = 0; i < 16; i += 2) {
    t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28,
                                   13, 29);
    t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27,
                                       14, 30, 15, 31);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; j++) {
      vf a = t[i + j], b = t[i + 2 + j];
      r[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13,
                                             28, 29);
      r[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27,
                                                 14, 15, 30, 31);
    }
  // r[4 q + j] now holds column j of each quarter, for the rows 4 q ... 4 q + 3.
  for (int j = 0; j < 4; j++) {
    vf a = r[j], b = r[4 + j], c = r[8 + j], d = r[12 + j];
    vf ab02 = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    vf ab13 = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30,
                                      31);
    vf cd02 = __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    vf cd13 = __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30,
                                      31);
    // ab02 is [a0 a2 b0 b2] in quarters.
    t[j] = __builtin_shufflevector(ab02, cd02, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26,
                                   27);
    t[4 + j] = __builtin_shufflevector(ab13, cd13, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25,
                                       26, 27);
    t[8 + j] = __builtin_shufflevector(ab02, cd02, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29,
                                       30, 31);
    t[12 + j] = __builtin_shufflevector(ab13, cd13, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28,
                                        29, 30, 31);
  }
  for (int i = 0; i < 16; i++) r[i] = t[i];
#endif
}
