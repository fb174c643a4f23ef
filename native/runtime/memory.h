// Memory of tensors as the whole process sees it: what is allocated, what was at most, what is left.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

namespace torchwright {

struct DeviceMemory {
  int64_t allocated;  // bytes that tensors and libtorch's workspaces hold
  int64_t peak;       // the most there ever was of them, since the last `reset_peak_memory`
  int64_t reserved;   // what libtorch holds from the system; above `allocated` where it keeps freed blocks for later
  int64_t free;       // what the system could still give
  int64_t total;
};

// Makes libtorch take CPU memory from an allocator that counts. Done once for the process, before the first tensor.
void count_cpu_memory();

DeviceMemory device_memory(at::Device device);
void reset_peak_memory(at::Device device);

// Gives memory that libtorch keeps for later back to the system. Whether there was such memory to look for.
bool empty_caches();

// Gives room between tensors on the CPU back to the system: what is kept of a pass lies in the midst of what is not.
// Whoever takes it again pays for fresh pages.
void release_heap_gaps();

// Whether the system can give so many bytes. It promises more than it has, and ends the process that uses them.
bool has_cpu_memory(std::size_t bytes);

// What is free and what is held on the CPU, in words for an error.
std::string cpu_memory_figures();

}  // namespace torchwright
