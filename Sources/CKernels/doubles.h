// Sums in double precision, for what is decomposed and for distances that single precision would round away.

enum { VD_LANES = VK_LANES / 2 };

typedef double vd __attribute__((vector_size(VD_LANES * 8)));

VK_INLINE vd vd_load(const double *p) {
  vd v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

VK_INLINE void vd_store(double *p, vd v) { __builtin_memcpy(p, &v, sizeof v); }

/// The sum of the lanes, by halves.
VK_INLINE double vd_sum(vd v) {
  double lanes[VD_LANES];
  vd_store(lanes, v);
  for (int half = VD_LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[half + i];
  return lanes[0];
}

static double dot_double(const double *x, const double *y, int64_t count) {
  vd sums[4] = {{0}, {0}, {0}, {0}};
  int64_t i = 0;
  for (; i + 4 * VD_LANES <= count; i += 4 * VD_LANES)
    for (int j = 0; j < 4; j++)
      sums[j] = vd_load(x + i + j * VD_LANES) * vd_load(y + i + j * VD_LANES) + sums[j];
  for (; i + VD_LANES <= count; i += VD_LANES) sums[0] = vd_load(x + i) * vd_load(y + i) + sums[0];
  double rest = 0;
  for (; i < count; i++) rest += x[i] * y[i];
  return vd_sum((sums[0] + sums[2]) + (sums[1] + sums[3])) + rest;
}

static double distance_double(const double *x, const double *y, int64_t count) {
  vd sums[4] = {{0}, {0}, {0}, {0}};
  int64_t i = 0;
  for (; i + 4 * VD_LANES <= count; i += 4 * VD_LANES)
    for (int j = 0; j < 4; j++) {
      vd d = vd_load(x + i + j * VD_LANES) - vd_load(y + i + j * VD_LANES);
      sums[j] = d * d + sums[j];
    }
  for (; i + VD_LANES <= count; i += VD_LANES) {
    vd d = vd_load(x + i) - vd_load(y + i);
    sums[0] = d * d + sums[0];
  }
  double rest = 0;
  for (; i < count; i++) rest += (x[i] - y[i]) * (x[i] - y[i]);
  return vd_sum((sums[0] + sums[2]) + (sums[1] + sums[3])) + rest;
}

static void add_scaled_double(double factor, const double *x, double *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] += factor * x[i];
}

static void gaussian_weights(const float *distances, float *weights, int64_t count, float precision,
                             double *sums) {
  // Short runs are summed in single precision, and the runs in double.
  enum { run = 16 * VK_LANES };
  double sum = 0, moment = 0;
  for (int64_t start = 0; start < count; start += run) {
    int64_t end = start + run < count ? start + run : count;
    vf part = vf_all(0), weighted = vf_all(0);
    for (int64_t i = start; i < end; i += VK_LANES) {
      int64_t lanes = end - i < VK_LANES ? end - i : VK_LANES;
      vf distance = vf_load_part(distances + i, lanes);
      vf_store_part(weights + i, vf_exp(distance * -precision), lanes);
      vf weight = vf_load_part(weights + i, lanes);
      part += weight;
      weighted = distance * weight + weighted;
    }
    sum += (double)vf_sum(part);
    moment += (double)vf_sum(weighted);
  }
  sums[0] = sum;
  sums[1] = moment;
}
