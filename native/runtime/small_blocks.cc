#include "runtime/small_blocks.h"

#include <c10/core/alignment.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>

namespace torchwright {

namespace {

// Sizes go in four steps from one power of two to the next, from the alignment on: a block is at most a quarter too
// large.
constexpr std::size_t kSmallest = c10::gAlignment;
constexpr std::size_t kSteps = 4;
constexpr std::size_t kSizes = (std::countr_zero(kLargestSmallBlock) - std::countr_zero(kSmallest)) * kSteps + 1;

// What a thread keeps of each size.
constexpr std::size_t kMostBytes = 512 << 10;
constexpr std::size_t kMostBlocks = 256;

// The largest size that is not above `bytes`, as an index; `bytes` is at least the smallest.
constexpr std::size_t size_within(std::size_t bytes) {
  const std::size_t power = std::bit_width(bytes) - 1;
  const std::size_t step = (bytes >> (power - 2)) - kSteps;
  return (power - std::countr_zero(kSmallest)) * kSteps + step;
}

constexpr std::size_t bytes_of(std::size_t size) {
  return (kSteps + size % kSteps) << (std::countr_zero(kSmallest) + size / kSteps - 2);
}

// How many blocks of each size a thread keeps.
constexpr auto kMost = [] {
  std::array<std::size_t, kSizes> most{};
  for (std::size_t size = 0; size < kSizes; ++size) most[size] = std::min(kMostBlocks, kMostBytes / bytes_of(size));
  return most;
}();

// The smallest size that holds so many bytes.
constexpr std::size_t size_for(std::size_t bytes) {
  const std::size_t size = size_within(std::max(bytes, kSmallest));
  return bytes_of(size) < bytes ? size + 1 : size;
}

static_assert(size_for(1) == 0 && size_for(64) == 0 && size_for(65) == 1 && size_within(79) == 0);
static_assert(bytes_of(size_for(1000)) == 1024 && bytes_of(size_for(kLargestSmallBlock)) == kLargestSmallBlock);

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
    if (stack.count >= kMost[size]) return false;
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
  const std::size_t size = size_for(bytes);
  if (!is_over) {
    if (void* block = blocks.take(size)) return block;
  }
  return c10::alloc_cpu(bytes_of(size));
}

void keep_small_block(void* block, std::size_t usable) {
  const std::size_t size = std::min(size_within(usable), kSizes - 1);
  if (is_over || !blocks.keep(block, size)) c10::free_cpu(block);
}

}  // namespace torchwright
