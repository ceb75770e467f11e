// Repulsion on a map where far points act through the middle of their cluster (Barnes and Hut 1986).
//
// Clusters are the nodes of a full binary tree over groups of VK_GROUP_POINTS points: the root is node 1, the children
// of n are 2n and 2n + 1, and the leaves are the groups. The points of a group walk through the tree together, a lane each.

enum { VK_GROUP_VECTORS = vk_group_points / VK_LANES };

/// Adds the repulsion of `count` points in one place; `axes` is a constant wherever this is inlined.
VK_INLINE void cluster_push(int axes, const float *from, int64_t stride, float count,
                            vf here[VK_GROUP_VECTORS][3], vf push[VK_GROUP_VECTORS][3],
                            vf weight[VK_GROUP_VECTORS]) {
  for (int r = 0; r < VK_GROUP_VECTORS; r++) {
    vf apart[3], square = vf_all(0);
    for (int a = 0; a < axes; a++) {
      apart[a] = here[r][a] - from[a * stride];
      square = apart[a] * apart[a] + square;
    }
    vf pair, force;
    if (axes == 2) {
      vf near = vf_reciprocal(square + 1.0f);
      pair = near * count;
      force = pair * near;
    } else {
      vf root = vf_reciprocal_root(square * 0.5f + 1.0f);
      vf near = root * root;
      pair = near * root * count;
      force = pair * near;
    }
    weight[r] += pair;
    for (int a = 0; a < axes; a++) push[r][a] = force * apart[a] + push[r][a];
  }
}

VK_INLINE void cluster_forces_of(int axes, const float *nodes, int64_t leaves, const float *places,
                                 int64_t stride, int64_t group, float *result) {
  vf here[VK_GROUP_VECTORS][3], push[VK_GROUP_VECTORS][3], weight[VK_GROUP_VECTORS];
  int64_t start = group * vk_group_points;
  for (int r = 0; r < VK_GROUP_VECTORS; r++) {
    weight[r] = vf_all(0);
    for (int a = 0; a < axes; a++) {
      here[r][a] = vf_load(places + a * stride + start + r * VK_LANES);
      push[r][a] = vf_all(0);
    }
  }
  const float *own = nodes + vk_node_floats * (leaves + group);
  int64_t waiting[64];
  int32_t depth = 0;
  waiting[depth++] = 1;
  while (depth > 0) {
    int64_t index = waiting[--depth];
    const float *node = nodes + vk_node_floats * index;
    if (node[9] == 0) continue;
    float square = 0;
    for (int a = 0; a < axes; a++) {
      float below = own[3 + a] - node[a], above = node[a] - own[6 + a];
      float outside = below > above ? below : above;
      outside = outside > 0 ? outside : 0;
      square += outside * outside;
    }
    if (node[10] <= square) {
      cluster_push(axes, node, 1, node[9], here, push, weight);
    } else if (index < leaves) {
      waiting[depth++] = 2 * index + 1;
      waiting[depth++] = 2 * index;
    } else {
      const float *from = places + (index - leaves) * vk_group_points;
      for (int k = 0; k < vk_group_points; k++)
        cluster_push(axes, from + k, stride, 1, here, push, weight);
    }
  }
  for (int r = 0; r < VK_GROUP_VECTORS; r++) {
    vf_store(result + r * VK_LANES, weight[r]);
    for (int a = 0; a < axes; a++)
      vf_store(result + (1 + a) * vk_group_points + r * VK_LANES, push[r][a]);
  }
}

static void cluster_forces(int32_t axes, const float *nodes, int64_t leaves, const float *places,
                           int64_t stride, int64_t group, float *result) {
  if (axes == 2)
    cluster_forces_of(2, nodes, leaves, places, stride, group, result);
  else
    cluster_forces_of(3, nodes, leaves, places, stride, group, result);
}
