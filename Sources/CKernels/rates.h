// What the instruction set can do at most, for measurements to be compared with.
//
// Twelve chains are more than the latency of a fused multiply-add times the pipes that do it.

static float multiply_add_chains(const float *operands, int64_t steps) {
  vf factor = vf_load(operands), addend = vf_load(operands + VK_LANES);
  vf chains[vk_rate_chains];
  for (int i = 0; i < vk_rate_chains; i++) chains[i] = vf_all((float)i);
  for (int64_t s = 0; s < steps; s++)
    for (int i = 0; i < vk_rate_chains; i++) chains[i] = chains[i] * factor + addend;
  vf total = vf_all(0);
  for (int i = 0; i < vk_rate_chains; i++) total += chains[i];
  return vf_sum(total);
}

static float dot_bf16_chains(const float *operands, int64_t steps) {
  uint32_t pair;
  __builtin_memcpy(&pair, operands, 4);
  vu pairs = (vu)vf_load(operands + VK_LANES);
  vf chains[vk_rate_chains];
  for (int i = 0; i < vk_rate_chains; i++) chains[i] = vf_all((float)i);
  for (int64_t s = 0; s < steps; s++)
    for (int i = 0; i < vk_rate_chains; i++) chains[i] = dot_pairs(chains[i], pair, pairs);
  vf total = vf_all(0);
  for (int i = 0; i < vk_rate_chains; i++) total += chains[i];
  return vf_sum(total);
}

static uint32_t read_memory(const void *memory, int64_t bytes) {
  const char *at = memory;
  vu sums[8] = {0};
  for (int64_t i = 0; i + 8 * VK_LANES * 4 <= bytes; i += 8 * VK_LANES * 4)
    for (int j = 0; j < 8; j++) sums[j] ^= (vu)vf_load(at + i + j * VK_LANES * 4);
  vu total = {0};
  for (int j = 0; j < 8; j++) total ^= sums[j];
  uint32_t result = 0;
  for (int i = 0; i < VK_LANES; i++) result ^= total[i];
  return result;
}
