// Steps of the layout of uniform manifold approximation (McInnes, Healy and Melville 2018, section 3.2).

/// x to a power, x > 0 and normal, to about 1e-6 of it.
VK_INLINE float layout_power(float x, float exponent) {
  int32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  // x = m 2^e with m from sqrt(1/2) to sqrt(2).
  int32_t e = (bits - 0x3f3504f3) >> 23;
  bits -= (int32_t)((uint32_t)e << 23);
  float m;
  __builtin_memcpy(&m, &bits, 4);
  float t = (m - 1) / (m + 1), s = t * t;
  float logarithm =
      (float)e +
      t * (2.885390082f +
           s * (0.961796694f + s * (0.577078016f + s * (0.412198583f + s * 0.320598898f))));
  float power = exponent * logarithm;
  power = power < -120 ? -120 : power > 120 ? 120 : power;
  int32_t whole = (int32_t)(power + (power < 0 ? -0.5f : 0.5f));
  float f = power - (float)whole;
  float fraction =
      1 + f * (0.693147181f +
               f * (0.240226507f +
                    f * (0.0555041087f +
                         f * (0.00961812911f + f * (0.00133335581f + f * 0.000154035304f)))));
  int32_t scale = (whole + 127) << 23;
  float factor;
  __builtin_memcpy(&factor, &scale, 4);
  return fraction * factor;
}

VK_INLINE float layout_clipped(float x) { return x < -4 ? -4 : x > 4 ? 4 : x; }

VK_INLINE uint64_t layout_random(uint64_t *state) {
  *state += 0x9E3779B97F4A7C15u;
  uint64_t bits = *state;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
  return bits ^ (bits >> 31);
}

enum { layout_lanes = 8 };

VK_INLINE void layout_steps_of(int axes, const vk_layout *layout, int64_t point) {
  const float *places = layout->places;
  const float a = layout->a, b = layout->b, rate = layout->rate;
  float here[3];
  for (int axis = 0; axis < axes; axis++) here[axis] = places[4 * point + axis];
  uint64_t state = layout->seed + (uint64_t)layout->step * 0xD1342543DE82EF95u;
  state = layout_random(&state) + (uint64_t)point * 0x9E6C63D0876A9A47u;
  for (int64_t pair = layout->starts[point]; pair < layout->starts[point + 1]; pair++) {
    // A pair acts at every multiple of 1 / share.
    double share = layout->shares[pair];
    if ((int64_t)(share * (double)layout->epoch) == (int64_t)(share * (double)(layout->epoch - 1)))
      continue;
    const float *there = places + 4 * (int64_t)layout->others[pair];
    float apart[3], square = 0;
    for (int axis = 0; axis < axes; axis++) {
      apart[axis] = here[axis] - there[axis];
      square += apart[axis] * apart[axis];
    }
    if (square > 1e-30f) {
      float power = layout_power(square, b - 1);
      float pull = -2 * a * b * power / (a * power * square + 1);
      for (int axis = 0; axis < axes; axis++)
        here[axis] += layout_clipped(pull * apart[axis]) * rate;
    }
    for (int32_t done = 0; done < layout->strangers; done += layout_lanes) {
      float others[3][layout_lanes], push[layout_lanes], used[layout_lanes];
      for (int lane = 0; lane < layout_lanes; lane++) {
        int64_t stranger = point;
        if (done + lane < layout->strangers)
          stranger = (int64_t)(((layout_random(&state) >> 32) * (uint64_t)layout->count) >> 32);
        used[lane] = stranger == point ? 0 : 1;
        for (int axis = 0; axis < axes; axis++) others[axis][lane] = places[4 * stranger + axis];
      }
      for (int lane = 0; lane < layout_lanes; lane++) {
        float far = 0;
        for (int axis = 0; axis < axes; axis++) {
          float difference = here[axis] - others[axis][lane];
          others[axis][lane] = difference;
          far += difference * difference;
        }
        float safe = far > 1e-30f ? far : 1e-30f;
        push[lane] = used[lane] * 2 * b / ((0.001f + far) * (a * layout_power(safe, b) + 1));
      }
      for (int axis = 0; axis < axes; axis++) {
        float sum = 0;
        for (int lane = 0; lane < layout_lanes; lane++)
          sum += layout_clipped(push[lane] * others[axis][lane]);
        here[axis] += sum * rate;
      }
    }
  }
  for (int axis = 0; axis < axes; axis++) layout->result[4 * point + axis] = here[axis];
}

static void layout_steps(const vk_layout *layout, int64_t first, int64_t rows) {
  for (int64_t point = first; point < first + rows; point++) {
    if (layout->axes == 2)
      layout_steps_of(2, layout, point);
    else
      layout_steps_of(3, layout, point);
  }
}
