#include "runtime/small_blocks.h"

#include <c10/core/alignment.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>

namespace torchwright {

namespace {

// Blocks come in powers of two from the alignment on.
constexpr std::size_t kSmallest = c10::gAlignment;
constexpr std::size_t kSizes = std::countr_zero(kLargestSmallBlock) - std::countr_zero(kSmallest) + 1;
constexpr std::size_t kMostKept = 256;

// Written into a block while nobody uses it.
struct Kept {
  Kept* next;
};

struct Stack {
  Kept* top = nullptr;
  std::size_t count = 0;
};

// Set for good when the thread ends: tensors that are freed after it must not be kept.
thread_local bool is_over = false;

class Blocks {
 public:
  ~Blocks() {
    is_over = true;
    for (Stack& stack : stacks_) {
      while (stack.top != nullptr) c10::free_cpu(pop(stack));
    }
  }

  void* take(std::size_t size) {
    Stack& stack = stacks_[size];
    return stack.top == nullptr ? nullptr : pop(stack);
  }

  bool keep(void* block, std::size_t size) {
    Stack& stack = stacks_[size];
    if (stack.count == kMostKept) return false;
    stack.top = new (block) Kept{stack.top};
    ++stack.count;
    return true;
  }

 private:
  static void* pop(Stack& stack) {
    Kept* block = stack.top;
    stack.top = block->next;
    --stack.count;
    return block;
  }

  std::array<Stack, kSizes> stacks_;
};

thread_local Blocks blocks;

}  // namespace

void* take_small_block(std::size_t bytes) {
  const std::size_t rounded = std::bit_ceil(std::max(bytes, kSmallest));
  const std::size_t size = std::countr_zero(rounded) - std::countr_zero(kSmallest);
  if (!is_over) {
    if (void* block = blocks.take(size)) return block;
  }
  return c10::alloc_cpu(rounded);
}

void keep_small_block(void* block, std::size_t usable) {
  const std::size_t size = std::bit_width(usable) - std::bit_width(kSmallest);
  if (is_over || !blocks.keep(block, size)) c10::free_cpu(block);
}

}  // namespace torchwright
