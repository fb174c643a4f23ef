// What layers refuse, in words a caller can act on.
#pragma once

#include <ATen/core/Tensor.h>

namespace torchwright::delight {

std::string text(at::IntArrayRef sizes);

// Throws ERR_SHAPE unless x has `features` in its last axis, ERR_DTYPE unless it is floating.
void check_features(const at::Tensor& x, int64_t features, const char* name);

// Throws ERR_SHAPE unless x has this many axes.
void check_rank(const at::Tensor& x, int64_t rank, const char* name, const char* axes);

// Throws ERR_SHAPE, ERR_DTYPE, ERR_DEVICE or ERR_DATA unless `ids` are [batch, time] int64 ids of the vocabulary, on
// `like`'s device.
void check_ids(const at::Tensor& ids, int64_t vocabulary, const at::Tensor& like, const char* name);

}  // namespace torchwright::delight
