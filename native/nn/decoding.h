// A batch of sequences that grow token by token, with what their model keeps of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "runtime/cancel.h"

namespace torchwright {

// Rows are beams: `beams` of them for each sentence, one sentence after the other.
class Decoding {
 public:
  virtual ~Decoding() = default;

  // Continues with rows `order` of the former ones: whole sentences, each with its own rows in any combination.
  // Throws ERR_ARGUMENT for anything else.
  virtual void reorder(const std::vector<int64_t>& order) = 0;

  // Feeds new tokens [rows, time] int64; gives scores [rows, vocabulary] whose softmax is the next token's
  // distribution. Where it throws, as it does when cancelled, nothing was fed.
  virtual at::Tensor step(const at::Tensor& tokens, const CancelFlag& cancel) = 0;

  virtual int64_t rows() const = 0;
  virtual int64_t vocabulary() const = 0;
  virtual at::Device device() const = 0;
};

// What an order of rows means for the sentences.
struct RowOrder {
  std::vector<int64_t> sentences;  // the former sentence of each new one
  bool same_rows, same_sentences;  // as before
};

// Throws ERR_ARGUMENT unless `order` holds whole sentences out of `rows` rows, as `Decoding::reorder` wants them.
RowOrder check_order(const std::vector<int64_t>& order, int64_t rows, int64_t beams);

// What `Module::decode` of a language model is given: nothing, or [sentences] int64 of how many tokens of padding each
// sentence's first step begins with. Gives that of every row. Throws ERR_ARGUMENT for anything else.
std::vector<int64_t> padding_of_rows(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams);

// What is added to the scores of `time` new tokens behind `past` others: minus infinity where a token would look ahead
// or at padding. [1 or rows, time, past + time]; undefined where nothing is forbidden. Padding sees itself: its numbers
// are never used, but must be numbers.
at::Tensor step_bias(const std::vector<int64_t>& padding, int64_t past, int64_t time, const at::TensorOptions& options);

}  // namespace torchwright
