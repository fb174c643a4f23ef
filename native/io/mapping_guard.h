// Keeps the process alive where a mapped file becomes shorter or its disk fails. What is missing reads as zeros from
// then on, and whoever reads it asks here whether that is so.
#pragma once

#include <atomic>
#include <cstddef>

namespace torchwright {

namespace mapping {

// Mappings that are alive and lack something.
inline std::atomic<int> broken{0};

inline bool any_broken() { return broken.load(std::memory_order_relaxed) != 0; }

// Guards `size` bytes at `data`, which outlive it. -1 when there are too many mappings to guard another one.
int guard(void* data, std::size_t size);
void unguard(int place);
bool is_broken(int place);

// Whether the memory belongs to a mapping that lacks something.
bool is_broken(const void* memory);

}  // namespace mapping

}  // namespace torchwright
