// The tables that exist in this build.

#include "CKernels.h"

#include <stddef.h>

extern const vk_kernels vk_table_portable;
#if defined(__aarch64__)
extern const vk_kernels vk_table_neon;
#endif
#if defined(__x86_64__)
extern const vk_kernels vk_table_avx2;
extern const vk_kernels vk_table_avx512;
extern const vk_kernels vk_table_avx512_bf16;
#endif
