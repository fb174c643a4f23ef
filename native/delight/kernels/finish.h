// What follows the matrix products of a group linear transform, in one pass over memory: bias, shuffle, layer norm of
// each group, activation, dropout, and the mix with the unit's projected input in the order that the next transform
// reads.
#pragma once

#include <cstdint>

#include "delight/style.h"

namespace torchwright::delight {

// Layouts, innermost last; `out` = groups * group_out:
//   y, dy       [groups][rows][group_out]         products, before everything else
//   mask        [rows][out]                       dropout's scaled mask, or null
//   u, du       [rows][proj]                      the unit's projected input; null when nothing is mixed in
//   mixed, dmixed [next_groups][rows][(proj + out) / next_groups]    each group: its slice of u, then its slice of the
//   output mean, rstd  [rows][groups]                    statistics of the layer norm
template <typename T>
struct FinishPass {
  int64_t groups, rows, group_out;
  bool shuffle;
  Activation activation;
  const T *y, *bias, *gamma, *beta, *mask;  // bias [groups][group_out], gamma and beta [group_out]; null where absent
  const T* u;
  int64_t proj, next_groups;
  T *mean, *rstd;

  int64_t out() const { return groups * group_out; }
};

template <typename T>
void finish_forward(const FinishPass<T>& pass, T* mixed);

template <typename T>
struct FinishGradients {
  T* dy;
  T* du;                      // null when nothing was mixed in
  bool accumulate_du;         // else overwritten
  T *dbias, *dgamma, *dbeta;  // written; null where not wanted
};

template <typename T>
void finish_backward(const FinishPass<T>& pass, const T* dmixed, const FinishGradients<T>& gradients);

}  // namespace torchwright::delight
