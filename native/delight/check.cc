#include "delight/check.h"

#include <ATen/ATen.h>

#include "runtime/errors.h"

namespace torchwright::delight {

std::string text(at::IntArrayRef sizes) {
  std::string out;
  for (const int64_t size : sizes) out += (out.empty() ? "" : ", ") + std::to_string(size);
  return "[" + out + "]";
}

void check_features(const at::Tensor& x, int64_t features, const char* name) {
  if (!x.defined()) throw Error(code::kArgument, std::string(name) + " is missing");
  if (!x.is_floating_point()) {
    throw Error(code::kDtype, std::string(name) + " must be floating, not " + c10::toString(x.scalar_type()));
  }
  if (x.dim() == 0 || x.size(-1) != features) {
    throw Error(code::kShape, std::string(name) + " has shape " + text(x.sizes()) + ", but " +
                                  std::to_string(features) + " features are wanted in the last axis");
  }
}

void check_rank(const at::Tensor& x, int64_t rank, const char* name, const char* axes) {
  if (!x.defined()) throw Error(code::kArgument, std::string(name) + " is missing");
  if (x.dim() != rank) {
    throw Error(code::kShape, std::string(name) + " must be " + axes + ", not of shape " + text(x.sizes()));
  }
}

void check_ids(const at::Tensor& ids, int64_t vocabulary, const at::Tensor& like, const char* name) {
  check_rank(ids, 2, name, "[batch, time]");
  if (ids.scalar_type() != at::kLong) {
    throw Error(code::kDtype, std::string(name) + " must be int64, not " + c10::toString(ids.scalar_type()));
  }
  if (ids.device() != like.device()) {
    throw Error(code::kDevice,
                std::string(name) + " are on " + ids.device().str() + ", the model on " + like.device().str());
  }
  if (ids.numel() == 0) throw Error(code::kShape, std::string(name) + " are empty: shape " + text(ids.sizes()));
  const auto [low, high] = at::aminmax(ids);
  const int64_t first = low.item<int64_t>(), last = high.item<int64_t>();
  if (first < 0 || last >= vocabulary) {
    throw Error(code::kData, std::string(name) + " hold the token id " + std::to_string(first < 0 ? first : last) +
                                 ", but the vocabulary has ids 0 to " + std::to_string(vocabulary - 1));
  }
}

}  // namespace torchwright::delight
