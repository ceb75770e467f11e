// The inner loops of Vitrine's linear algebra, one table of them for each kind of CPU.
//
// A caller asks for a table (`vk_best_kernels`, or `vk_kernels_for` to force one) and calls through
// it. Every table computes the same functions; they differ in the last bits only, because vector
// widths change the order of sums and because fused multiply-add rounds once. Within a table, the order in
// which an output element is summed depends on the length of the sum alone (and in products of few rows on whether
// there is a single one): never on how many other outputs are computed in the same call. That is
// what makes results independent of the number of threads.
//
// Weights may lie at any byte address (mapped files align nothing): pointers to storage are `const
// void *` and are read without alignment. Nothing here allocates, locks or keeps state.

#ifndef VITRINE_CKERNELS_H
#define VITRINE_CKERNELS_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/// The instruction sets that a table can be made of, slowest first.
typedef enum vk_level {
  vk_level_portable = 0,
  vk_level_neon = 1,
  vk_level_avx2 = 2,
  vk_level_avx512 = 3,
  vk_level_avx512_bf16 = 4,
} vk_level;

/// The storage types that the loops read by themselves; all others are widened before.
typedef enum vk_type {
  vk_type_f32 = 0,
  vk_type_bf16 = 1,
  vk_type_f16 = 2,
} vk_type;

/// Blocks of quantised numbers, as GGUF stores them.
typedef enum vk_block {
  vk_block_q4_0 = 0,
  vk_block_q4_1 = 1,
  vk_block_q5_0 = 2,
  vk_block_q5_1 = 3,
  vk_block_q8_0 = 4,
  vk_block_q4_k = 5,
  vk_block_q5_k = 6,
  vk_block_q6_k = 7,
} vk_block;

/// How many independent vectors `multiply_add_chains` and `dot_bf16_chains` work on.
enum { vk_rate_chains = 12 };

/// The most points that `pair_forces` takes in one call.
enum { vk_pair_points = 4 };

/// How many points `cluster_forces` works on, and how many floats describe a cluster: the middle along three axes,
/// the lowest and the highest place along each, the number of points, the square of the least distance at which the cluster
/// may act as one (0 where all points are in one place), and one that is unused.
enum { vk_group_points = 16, vk_node_floats = 12 };

/// One step of a layout in which each point looks at where all were before.
typedef struct vk_layout {
  /// Two or three.
  int32_t axes;
  /// With how many strangers a point is compared for each pair.
  int32_t strangers;
  /// Which epoch it is, from 1, and which step of all.
  int64_t epoch;
  int64_t step;
  /// Decides the strangers.
  uint64_t seed;
  int64_t count;
  /// Where the points are, and where they come to be: four floats for each.
  const float *places;
  float *result;
  /// Where each point's pairs begin, with whom, and in which share of the epochs.
  const int64_t *starts;
  const int32_t *others;
  const float *shares;
  /// The curve 1 / (1 + a d^2b), and the length of a step.
  float a;
  float b;
  float rate;
} vk_layout;

/// The numbers of one step of Adam with decoupled decay, the same for all weights of a group.
typedef struct vk_adam {
  /// What gradients are multiplied by first.
  float gradient_scale;
  /// The share of the new gradient in the mean, 1 - beta 1.
  float mean_share;
  /// beta 2, and 1 - beta 2.
  float square_keep;
  float square_share;
  /// 1 / sqrt(1 - beta 2 ^ step).
  float root_scale;
  float epsilon;
  /// 1 - rate * decay.
  float weight_keep;
  /// rate / (1 - beta 1 ^ step).
  float step;
} vk_adam;

/// The inner loops for one instruction set.
typedef struct vk_kernels {
  vk_level level;
  /// Rows of an activation panel, and of the largest tile that `tile` computes.
  int32_t tile_rows;
  /// Columns of a weight panel, and of every tile.
  int32_t tile_columns;
  /// Whether `tile_bf16` and its packers are more than a copy of the f32 ones' work.
  int32_t has_bf16_product;

  // Products of packed panels. An activation panel holds `a[k * tile_rows + row]`, a weight panel
  // `b[k * tile_columns + column]`.

  /// Packs `rows` (1...tile_rows) rows of `depth` floats, `stride` floats apart; missing rows are 0.
  void (*pack_rows)(const float *x, int64_t stride, int32_t rows, int64_t depth, float *panel);
  /// Packs `columns` (1...tile_columns) weight rows of `depth` elements of `type`, `stride_bytes`
  /// apart, widened to f32; missing columns are 0.
  void (*pack_columns)(vk_type type, const void *w, int64_t stride_bytes, int32_t columns,
                       int64_t depth, float *panel);
  /// Packs a [depth, columns] matrix whose rows are `stride` floats apart: the weight panel of a
  /// product with an untransposed right-hand side.
  void (*pack_plain)(const float *b, int64_t stride, int32_t columns, int64_t depth, float *panel);
  /// c[row, column] (+)= sum over k of a[k, row] b[k, column], for `rows` rows and all tile_columns
  /// columns; `stride` is between rows of c. `accumulate` adds to what c holds.
  void (*tile)(int32_t rows, int64_t depth, const float *a, const float *b, float *c,
               int64_t stride, int32_t accumulate);
  /// `count` whole tiles of tile_rows rows below each other, whose activation panels follow each other. Sums begin with the
  /// rows of `start`, `start_stride` floats apart (0 gives all the same), or with zeros where it is null.
  void (*tiles)(int32_t count, int64_t depth, const float *a, const float *b,
                const float *_Nullable start, int64_t start_stride, float *c, int64_t stride);
  /// `tile` with the rows of a where they are, `row_stride` floats apart: the same sums without packing.
  void (*tile_unpacked)(int32_t rows, int64_t depth, const float *a, int64_t row_stride,
                        const float *b, float *c, int64_t stride, int32_t accumulate);

  // The same with both sides rounded to bfloat16 and sums in f32. Panels hold pairs of successive k:
  // `a[(k / 2) * tile_rows + row]` is the pair (k, k + 1); an odd depth is completed by a zero.

  void (*pack_rows_bf16)(const float *x, int64_t stride, int32_t rows, int64_t depth,
                         uint32_t *panel);
  void (*pack_columns_bf16)(const void *w, int64_t stride_bytes, int32_t columns, int64_t depth,
                            uint32_t *panel);
  void (*tile_bf16)(int32_t rows, int64_t pairs, const uint32_t *a, const uint32_t *b, float *c,
                    int64_t stride, int32_t accumulate);

  // Products without packing, for few rows: the weights are read once.

  /// y[row, out] = sum over k of x[row, k] w[out, k].
  void (*rows_product)(vk_type type, const void *w, int64_t stride_bytes, int64_t outs,
                       int64_t depth, const float *x, int64_t x_stride, int32_t rows, float *y,
                       int64_t y_stride);
  /// The same of two sides in bfloat16.
  void (*rows_product_bf16)(const void *w, int64_t stride_bytes, int64_t outs, int64_t depth,
                            const void *x, int64_t x_stride_bytes, int32_t rows, float *y,
                            int64_t y_stride);
  /// The same with weight rows of whole blocks.
  void (*rows_product_blocks)(vk_block type, const void *w, int64_t stride_bytes, int64_t outs,
                              int64_t depth, const float *x, int64_t x_stride, int32_t rows,
                              float *y, int64_t y_stride);
  /// y[i] += sum over j of p[j] v[j, i]: `rows` rows of `width` floats, `stride` floats apart.
  void (*weighted_sum)(const float *p, const float *v, int64_t stride, int64_t rows, int64_t width,
                       float *y);

  // Rows of floats.

  /// The largest element; negative infinity of none.
  float (*maximum)(const float *x, int64_t count);
  /// x[i] *= factor; returns the largest of the products.
  float (*scaled_maximum)(float factor, float *x, int64_t count);
  /// The sum of the elements.
  float (*sum)(const float *x, int64_t count);
  /// x[i] = exp(x[i] - shift); returns the sum. exp(-infinity) is 0 exactly.
  float (*exponentials)(float *x, int64_t count, float shift);
  /// Softmax in place; a row of nothing but negative infinity becomes 0.
  void (*softmax)(float *x, int64_t count);
  /// y = (x - mean) / sqrt(variance + epsilon) * weight + bias; weight and bias may be null.
  void (*layer_norm)(const float *x, float *y, const float *_Nullable weight,
                     const float *_Nullable bias, int64_t count, float epsilon);
  /// y = x / sqrt(mean of squares + epsilon) * weight; weight may be null.
  void (*rms_norm)(const float *x, float *y, const float *_Nullable weight, int64_t count,
                   float epsilon);

  // Element by element; y may be x.

  void (*silu)(const float *x, float *y, int64_t count);
  /// 0.5 x (1 + erf(x / sqrt 2)).
  void (*gelu)(const float *x, float *y, int64_t count);
  /// The tanh approximation of GELU: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
  void (*gelu_tanh)(const float *x, float *y, int64_t count);
  void (*tanh)(const float *x, float *y, int64_t count);
  void (*exp)(const float *x, float *y, int64_t count);
  /// y[i] += x[i].
  void (*add)(const float *x, float *y, int64_t count);
  /// y[i] *= x[i].
  void (*multiply)(const float *x, float *y, int64_t count);
  /// y[i] *= factor.
  void (*scale)(float factor, float *y, int64_t count);
  /// Rotates the pairs (x[i], x[half + i]) by the angles whose cosines and sines are given.
  void (*rotate_halves)(float *x, const float *cosines, const float *sines, int64_t half);
  /// Rotates the pairs (x[2i], x[2i + 1]).
  void (*rotate_pairs)(float *x, const float *cosines, const float *sines, int64_t half);

  // Conversions.

  /// Widens `count` elements of `type` to f32, exactly.
  void (*widen)(vk_type type, const void *x, float *y, int64_t count);
  /// Widens so many blocks to f32: 32 numbers each, of the k types 256.
  void (*widen_blocks)(vk_block type, const void *x, float *y, int64_t blocks);
  /// y[i] = factor times the 8-bit float x[i] (OCP E4M3, exponent bias 7, no infinities).
  void (*widen_e4m3)(const void *x, float factor, float *y, int64_t count);
  /// Rounds to bfloat16, nearest even; NaN stays NaN.
  void (*narrow_bf16)(const float *x, void *y, int64_t count);
  /// Rounds to IEEE half precision, nearest even, overflowing to infinity.
  void (*narrow_f16)(const float *x, void *y, int64_t count);

  // Derivatives. g is the gradient with respect to an operation's result; y, the gradient with respect
  // to its input x, may be g.

  /// Packs a [depth, rows] matrix as an activation panel: the transposed left-hand side of a product.
  void (*pack_plain_rows)(const float *b, int64_t stride, int32_t rows, int64_t depth,
                          float *panel);
  /// `pack_plain` of stored elements, `stride_bytes` from row to row, widened to f32.
  void (*pack_plain_stored)(vk_type type, const void *w, int64_t stride_bytes, int32_t columns,
                            int64_t depth, float *panel);
  /// `pack_plain` of stored bfloat16 elements as a panel for `tile_bf16`.
  void (*pack_plain_bf16)(const void *w, int64_t stride_bytes, int32_t columns, int64_t depth,
                          uint32_t *panel);
  /// The sum of x[i] y[i].
  float (*dot)(const float *x, const float *y, int64_t count);
  /// g[i] = p[i] (g[i] - level) factor: softmax's derivative, with level the sum of p[i] g[i].
  void (*score_gradient)(const float *p, float *g, int64_t count, float level, float factor);
  /// For `rms_norm`; weight may be null.
  void (*rms_norm_gradient)(const float *x, const float *_Nullable weight, const float *g, float *y,
                            int64_t count, float epsilon);
  /// For `layer_norm`; weight may be null.
  void (*layer_norm_gradient)(const float *x, const float *_Nullable weight, const float *g,
                              float *y, int64_t count, float epsilon);
  void (*silu_gradient)(const float *x, const float *g, float *y, int64_t count);
  void (*gelu_gradient)(const float *x, const float *g, float *y, int64_t count);
  void (*gelu_tanh_gradient)(const float *x, const float *g, float *y, int64_t count);
  /// For silu(gate) up: replaces gate and up by the gradients with respect to them.
  void (*gated_gradient)(float *gate, float *up, const float *g, int64_t count);

  // Points on a map of two or three axes; `places` holds an axis after another, `stride` floats apart.

  /// For the points first ..< first + rows (1...vk_pair_points): the sum of all pairs' weights, the pushes along
  /// three axes and, where there are shares (a row for each point), the pulls: seven floats a point. `count` is a multiple
  /// of 16; what fills it up lies so far away that it has no weight.
  void (*pair_forces)(int32_t axes, const float *places, int64_t stride, int64_t count,
                      int64_t first, int32_t rows, const float *_Nullable shares,
                      int64_t shares_stride, float *result);
  /// The pulls of `count` others on a point along three axes; `count` is a multiple of 16, filled up by shares of 0.
  void (*near_pulls)(int32_t axes, const float *places, int64_t stride, int64_t point,
                     const int32_t *others, const float *shares, int64_t count, float *result);
  /// Pushes on the vk_group_points points of one group by all points: their weights, then the pushes
  /// along each axis. Points lie in the tree's order, groups after each other.
  void (*cluster_forces)(int32_t axes, const float *nodes, int64_t leaves, const float *places,
                         int64_t stride, int64_t group, float *result);
  /// w[i] = exp(-d[i] precision); the sums of w[i] and of d[i] w[i].
  void (*gaussian_weights)(const float *d, float *w, int64_t count, float precision, double *sums);
  /// Moves the points first ..< first + rows.
  void (*layout_steps)(const vk_layout *layout, int64_t first, int64_t rows);

  // Double precision.

  /// The sum of x[i] y[i].
  double (*dot_double)(const double *x, const double *y, int64_t count);
  /// The sum of (x[i] - y[i])^2.
  double (*distance_double)(const double *x, const double *y, int64_t count);
  /// y[i] += factor x[i].
  void (*add_scaled_double)(double factor, const double *x, double *y, int64_t count);

  // Training.

  /// y[i] = silu(gate[i]) up[i].
  void (*gated_product)(const float *gate, const float *up, float *y, int64_t count);
  /// For `rms_norm`: adds the gradient with respect to x to y and that with respect to the weight to its sums.
  void (*rms_norm_backward)(const float *x, const float *weight, const float *g, float *y,
                            float *weight_sums, int64_t count, float epsilon);
  /// A step of the weights w and of their moments m and v along the gradients g.
  void (*adam)(const vk_adam *step, const float *g, float *w, float *m, float *v, int64_t count);

  // Loops that do nothing but keep the CPU busy: the most that the others can reach. A vector has
  // tile_columns / 2 lanes; `operands` are two of them. What they return is of no meaning.

  /// vk_rate_chains fused multiply-adds of vectors a step.
  float (*multiply_add_chains)(const float *operands, int64_t steps);
  /// vk_rate_chains additions of products of bfloat16 pairs to vectors a step.
  float (*dot_bf16_chains)(const float *operands, int64_t steps);
  /// Reads memory from its beginning to its end.
  uint32_t (*read_memory)(const void *memory, int64_t bytes);
} vk_kernels;

/// Tells the CPU that this is a waiting loop.
static inline void vk_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Takes `count` blocks of 64 bytes into the state of a SHA-256; `portable` leaves out the CPU's instructions for it.
void vk_sha256(uint32_t *state, const void *blocks, int64_t count, int32_t portable);

/// The table for a level, or null where this CPU (or this build) cannot run it.
const vk_kernels *_Nullable vk_kernels_for(vk_level level);

/// The table for the highest level that this CPU can run.
const vk_kernels *vk_best_kernels(void);

#pragma clang assume_nonnull end

#endif
