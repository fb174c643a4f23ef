// Decoding with a decoder's caches.
#pragma once

#include <functional>

#include "delight/stack.h"
#include "nn/decoding.h"

namespace torchwright::delight {

class StackDecoding : public Decoding {
 public:
  // `output` turns features [rows, out] into scores [rows, V], and keeps the model alive that owns `decoder`.
  // `memory_bias`: [sentences, 1, S], or undefined.
  // `padding`: how many tokens of each row's first step are none.
  StackDecoding(const Stack& decoder, int64_t beams, std::vector<LayerCache> caches, std::vector<int64_t> padding,
                at::Tensor memory_bias, std::function<at::Tensor(const at::Tensor&)> output);

  void reorder(const std::vector<int64_t>& order) override;
  at::Tensor step(const at::Tensor& tokens, const CancelFlag& cancel) override;
  int64_t rows() const override { return caches_.front().past.size(0); }
  int64_t vocabulary() const override { return decoder_.embedding().vocabulary(); }
  at::Device device() const override { return caches_.front().past.device(); }

 private:
  void reserve(int64_t length);
  // The new scores of rows with these caches, which hold `length_` tokens.
  at::Tensor step_rows(const at::Tensor& tokens, std::vector<LayerCache>& caches, const std::vector<int64_t>& padding,
                       const at::Tensor& memory_bias) const;
  // The same for all rows, whole sentences on each thread.
  at::Tensor step_in_parts(const at::Tensor& tokens, int64_t parts) const;

  const Stack& decoder_;
  int64_t beams_, length_ = 0;
  std::vector<LayerCache> caches_;
  std::vector<int64_t> padding_;
  at::Tensor memory_bias_;
  std::function<at::Tensor(const at::Tensor&)> output_;
};

}  // namespace torchwright::delight
