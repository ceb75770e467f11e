// The loops for x86 with AVX2, FMA and F16C.

#include "CKernels.h"

#include "tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define VK_LANES 8
#define VK_TILE_ROWS 6
#define VK_LEVEL vk_level_avx2
#define VK_TABLE vk_table_avx2
#define VK_HALF_INSTRUCTIONS 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

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
