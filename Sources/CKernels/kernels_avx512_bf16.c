// The loops for x86 with AVX-512 and its bfloat16 dot product.

#include "CKernels.h"

#include "tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define VK_LANES 16
#define VK_TILE_ROWS 12
#define VK_LEVEL vk_level_avx512_bf16
#define VK_TABLE vk_table_avx512_bf16
#define VK_HALF_INSTRUCTIONS 1
#define VK_HAS_BF16 1

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c"))), apply_to = function)

#include "vector.h"

#include "products.h"

#include "rows.h"

#include "derivatives.h"

#include "training.h"

#include "blocks.h"

#include "pairs.h"

#include "clusters.h"

#include "doubles.h"

#include "layout.h"

#include "products_bf16.h"

#include "products_blocks.h"

#include "rates.h"

#include "table.h"

#pragma clang attribute pop

#endif
