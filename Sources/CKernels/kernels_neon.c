// The loops for 64-bit ARM, which always has NEON with fused multiply-add.

#include "CKernels.h"

#include "tables.h"

#if defined(__aarch64__)

#define VK_LANES 4
#define VK_TILE_ROWS 12
#define VK_LEVEL vk_level_neon
#define VK_TABLE vk_table_neon
#define VK_HALF_INSTRUCTIONS 1

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

#endif
