// Which tables this CPU can run.

#include "tables.h"

#include <stddef.h>

#if defined(__x86_64__)
static int can_run(vk_level level) {
  // The compiler's runtime asks the operating system too whether it saves the wide registers.
  __builtin_cpu_init();
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
  int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  switch (level) {
    case vk_level_portable:
      return 1;
    case vk_level_neon:
      return 0;
    case vk_level_avx2:
      return avx2;
    case vk_level_avx512:
      return avx512;
    case vk_level_avx512_bf16:
      return avx512 && __builtin_cpu_supports("avx512bf16");
  }
  return 0;
}
#endif

const vk_kernels *vk_kernels_for(vk_level level) {
#if defined(__x86_64__)
  if (!can_run(level)) return NULL;
  if (level == vk_level_avx512_bf16) return &vk_table_avx512_bf16;
  if (level == vk_level_avx512) return &vk_table_avx512;
  if (level == vk_level_avx2) return &vk_table_avx2;
#endif
#if defined(__aarch64__)
  if (level == vk_level_neon) return &vk_table_neon;
#endif
  return level == vk_level_portable ? &vk_table_portable : NULL;
}

const vk_kernels *vk_best_kernels(void) {
  for (int level = vk_level_avx512_bf16; level > vk_level_portable; level--) {
    const vk_kernels *table = vk_kernels_for((vk_level)level);
    if (table) return table;
  }
  return &vk_table_portable;
}
