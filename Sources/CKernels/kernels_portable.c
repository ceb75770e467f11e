// The loops for any CPU: vectors of four floats, which every compiler target can express.

#include "CKernels.h"

#include "tables.h"

#if 1

#define VK_LANES 4
#define VK_TILE_ROWS 6
#define VK_LEVEL vk_level_portable
#define VK_TABLE vk_table_portable
#define VK_HALF_INSTRUCTIONS 0

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
