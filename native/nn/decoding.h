// A batch of sequences that grow token by token, with what their model keeps of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace torchwright {

// Rows are beams: `beams` of them for each sentence, one sentence after the other.
class Decoding {
 public:
  virtual ~Decoding() = default;

  // Continues with rows `order` of the former ones: whole sentences, each with its own rows in any combination.
  // Throws ERR_ARGUMENT for anything else.
  virtual void reorder(const std::vector<int64_t>& order) = 0;

  // Feeds new tokens [rows, time] int64; gives scores [rows, vocabulary] whose softmax is the next token's
  // distribution.
  virtual at::Tensor step(const at::Tensor& tokens) = 0;

  virtual int64_t rows() const = 0;
  virtual int64_t vocabulary() const = 0;
  virtual at::Device device() const = 0;
};

}  // namespace torchwright
