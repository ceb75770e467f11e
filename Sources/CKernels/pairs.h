// Forces between all pairs of points whose distances follow Student's distribution, as t-SNE has them.
//
// On two axes there is one degree of freedom: the weight of a pair is w = 1 / (1 + d^2), pushes are w^2 apart and
// pulls share w apart. On three axes there are two: with n = 1 / (1 + d^2 / 2) the weight is n^(3/2), pushes are
// n^(5/2) apart and pulls share n apart.

/// 1 / x for x >= 1, to about one unit in the last place.
VK_INLINE vf vf_reciprocal(vf x) {
#if VK_LANES == 16
  vf r = (vf)_mm512_rcp14_ps((__m512)x);
  return r * (2.0f - x * r);
#elif VK_LANES == 8
  vf r = (vf)_mm256_rcp_ps((__m256)x);
  return r * (2.0f - x * r);
#else
  return 1.0f / x;
#endif
}

/// 1 / sqrt(x) for x >= 1, to a few units in the last place.
VK_INLINE vf vf_reciprocal_root(vf x) {
#if VK_LANES == 16
  vf r = (vf)_mm512_rsqrt14_ps((__m512)x);
  return r * (1.5f - 0.5f * x * r * r);
#elif VK_LANES == 8
  vf r = (vf)_mm256_rsqrt_ps((__m256)x);
  return r * (1.5f - 0.5f * x * r * r);
#else
  return 1.0f / __builtin_elementwise_sqrt(x);
#endif
}

#define VK_PAIR_POINTS vk_pair_points

/// The forces on VK_PAIR_POINTS points; `axes` and `pulls` are constants wherever this is inlined.
VK_INLINE void pair_forces_of(int axes, int pulls, const float *places, int64_t stride,
                              int64_t count, const int64_t *points, const float *shares,
                              int64_t shares_stride, float *result, int32_t rows) {
  vf here[VK_PAIR_POINTS][3], push[VK_PAIR_POINTS][3], pull[VK_PAIR_POINTS][3],
      weight[VK_PAIR_POINTS];
  for (int r = 0; r < VK_PAIR_POINTS; r++) {
    weight[r] = vf_all(0);
    for (int a = 0; a < axes; a++) {
      here[r][a] = vf_all(places[a * stride + points[r]]);
      push[r][a] = vf_all(0);
      pull[r][a] = vf_all(0);
    }
  }
  for (int64_t j = 0; j < count; j += VK_LANES) {
    vf there[3];
    for (int a = 0; a < axes; a++) there[a] = vf_load(places + a * stride + j);
    for (int r = 0; r < VK_PAIR_POINTS; r++) {
      vf apart[3], square = vf_all(0);
      for (int a = 0; a < axes; a++) {
        apart[a] = here[r][a] - there[a];
        square = apart[a] * apart[a] + square;
      }
      vf near, pair, force;
      if (axes == 2) {
        near = vf_reciprocal(square + 1.0f);
        pair = near;
        force = near * near;
      } else {
        vf root = vf_reciprocal_root(square * 0.5f + 1.0f);
        near = root * root;
        pair = near * root;
        force = pair * near;
      }
      weight[r] += pair;
      for (int a = 0; a < axes; a++) push[r][a] = force * apart[a] + push[r][a];
      if (pulls) {
        vf share = vf_load(shares + r * shares_stride + j) * near;
        for (int a = 0; a < axes; a++) pull[r][a] = share * apart[a] + pull[r][a];
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    float *out = result + r * 7;
    out[0] = vf_sum(weight[r]);
    for (int a = 0; a < 3; a++) {
      out[1 + a] = a < axes ? vf_sum(push[r][a]) : 0;
      out[4 + a] = a < axes && pulls ? vf_sum(pull[r][a]) : 0;
    }
  }
}

static void pair_forces(int32_t axes, const float *places, int64_t stride, int64_t count,
                        int64_t first, int32_t rows, const float *shares, int64_t shares_stride,
                        float *result) {
  // Points beyond the last are computed as the last again and not written.
  int64_t points[VK_PAIR_POINTS];
  for (int r = 0; r < VK_PAIR_POINTS; r++) points[r] = first + (r < rows ? r : rows - 1);
  if (!shares) {
    if (axes == 2)
      pair_forces_of(2, 0, places, stride, count, points, 0, 0, result, rows);
    else
      pair_forces_of(3, 0, places, stride, count, points, 0, 0, result, rows);
  } else if (rows == VK_PAIR_POINTS) {
    if (axes == 2)
      pair_forces_of(2, 1, places, stride, count, points, shares, shares_stride, result, rows);
    else
      pair_forces_of(3, 1, places, stride, count, points, shares, shares_stride, result, rows);
  } else {
    for (int r = 0; r < rows; r++) {
      int64_t same[VK_PAIR_POINTS] = {first + r, first + r, first + r, first + r};
      if (axes == 2)
        pair_forces_of(2, 1, places, stride, count, same, shares + r * shares_stride, 0,
                       result + r * 7, 1);
      else
        pair_forces_of(3, 1, places, stride, count, same, shares + r * shares_stride, 0,
                       result + r * 7, 1);
    }
  }
}

VK_INLINE vf vf_gather(const float *x, const int32_t *places) {
#if VK_LANES == 16
  return (vf)_mm512_i32gather_ps(_mm512_loadu_si512(places), x, 4);
#else
  vf v;
  for (int i = 0; i < VK_LANES; i++) v[i] = x[places[i]];
  return v;
#endif
}

VK_INLINE void near_pulls_of(int axes, const float *places, int64_t stride, int64_t point,
                             const int32_t *others, const float *shares, int64_t count,
                             float *result) {
  vf here[3], pull[3];
  for (int a = 0; a < axes; a++) {
    here[a] = vf_all(places[a * stride + point]);
    pull[a] = vf_all(0);
  }
  const float slope = axes == 2 ? 1.0f : 0.5f;
  for (int64_t j = 0; j < count; j += VK_LANES) {
    vf apart[3], square = vf_all(0);
    for (int a = 0; a < axes; a++) {
      apart[a] = here[a] - vf_gather(places + a * stride, others + j);
      square = apart[a] * apart[a] + square;
    }
    vf share = vf_load(shares + j) * vf_reciprocal(square * slope + 1.0f);
    for (int a = 0; a < axes; a++) pull[a] = share * apart[a] + pull[a];
  }
  for (int a = 0; a < 3; a++) result[a] = a < axes ? vf_sum(pull[a]) : 0;
}

static void near_pulls(int32_t axes, const float *places, int64_t stride, int64_t point,
                       const int32_t *others, const float *shares, int64_t count, float *result) {
  if (axes == 2)
    near_pulls_of(2, places, stride, point, others, shares, count, result);
  else
    near_pulls_of(3, places, stride, point, others, shares, count, result);
}
