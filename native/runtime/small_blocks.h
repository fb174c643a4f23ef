// Small blocks of memory that each thread keeps when they are freed: the next tensors of its size take them again, in
// less time than an aligned allocation needs.
#pragma once

#include <cstddef>

namespace torchwright {

// Blocks up to this size are kept.
constexpr std::size_t kLargestSmallBlock = 64 << 10;

// A block aligned as libtorch wants it, for at least so many bytes, at most kLargestSmallBlock. Throws c10::Error when
// there is no memory.
void* take_small_block(std::size_t bytes);

// Keeps a block of libtorch's alignment, or frees it where enough are kept. `usable`: the bytes it has, from the
// alignment to less than twice kLargestSmallBlock.
void keep_small_block(void* block, std::size_t usable);

}  // namespace torchwright
