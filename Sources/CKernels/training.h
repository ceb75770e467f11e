// What only training needs, for one instruction set.

static void gated_product(const float *gate, const float *up, float *y, int64_t count) {
  int64_t i = 0;
  for (; i + VK_LANES <= count; i += VK_LANES)
    vf_store(y + i, vf_silu(vf_load(gate + i)) * vf_load(up + i));
  if (i < count) {
    int64_t part = count - i;
    vf v = vf_silu(vf_load_part(gate + i, part)) * vf_load_part(up + i, part);
    vf_store_part(y + i, v, part);
  }
}

static void rms_norm_backward(const float *x, const float *weight, const float *g, float *y,
                              float *weight_sums, int64_t count, float epsilon) {
  float square = sum_of_squares(x, count, 0) / (float)count;
  float factor = 1 / __builtin_sqrtf(square + epsilon);
  float mean = weighted_product(x, weight, g, count, 0) / (float)count;
  float part = factor * factor * factor * mean;
  for (int64_t i = 0; i < count; i++) {
    y[i] += factor * (weight[i] * g[i]) - part * x[i];
    weight_sums[i] += x[i] * factor * g[i];
  }
}

/// One vector of weights and moments a step further.
VK_INLINE void adam_step(const vk_adam *s, vf g, vf *w, vf *m, vf *v) {
  g *= s->gradient_scale;
  *m = *m + (g - *m) * s->mean_share;
  *v = *v * s->square_keep + g * g * s->square_share;
  vf root = __builtin_elementwise_sqrt(*v) * s->root_scale + s->epsilon;
  *w = *w * s->weight_keep - *m * s->step / root;
}

static void adam(const vk_adam *s, const float *g, float *w, float *m, float *v, int64_t count) {
  for (int64_t i = 0; i < count; i += VK_LANES) {
    int64_t part = count - i < VK_LANES ? count - i : VK_LANES;
    vf weights, means, squares;
    if (part == VK_LANES) {
      weights = vf_load(w + i), means = vf_load(m + i), squares = vf_load(v + i);
      adam_step(s, vf_load(g + i), &weights, &means, &squares);
      vf_store(w + i, weights), vf_store(m + i, means), vf_store(v + i, squares);
      continue;
    }
    weights = vf_load_part(w + i, part), means = vf_load_part(m + i, part);
    squares = vf_load_part(v + i, part);
    adam_step(s, vf_load_part(g + i, part), &weights, &means, &squares);
    vf_store_part(w + i, weights, part), vf_store_part(m + i, means, part);
    vf_store_part(v + i, squares, part);
  }
}
