#include "runtime/memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>
#include <malloc.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <mutex>

#include "runtime/small_blocks.h"
#include "tensor/cuda.h"

namespace torchwright {

namespace {

std::atomic<int64_t> allocated{0};
std::atomic<int64_t> peak{0};

// Below this, asking the system what is left costs more than it tells.
constexpr std::size_t kLarge = std::size_t{256} << 20;

void count(int64_t bytes) {
  const int64_t now = allocated.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t before = peak.load(std::memory_order_relaxed);
  while (now > before && !peak.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
  }
}

// A number behind `key` in a file of lines such as `MemAvailable:  123 kB`; -1 where there is none.
int64_t number_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  std::string word;
  int64_t value = -1;
  while (file >> word) {
    if (word == key && file >> value) return value;
  }
  return -1;
}

// What a container may still take; the largest number where it has no limit.
int64_t left_in_container() {
  int64_t limit = 0;
  int64_t used = 0;
  if (!(std::ifstream("/sys/fs/cgroup/memory.max") >> limit) ||
      !(std::ifstream("/sys/fs/cgroup/memory.current") >> used)) {
    return std::numeric_limits<int64_t>::max();
  }
  // Pages of files that nobody uses are given up before anything is refused.
  const int64_t idle = std::max<int64_t>(0, number_in("/sys/fs/cgroup/memory.stat", "inactive_file"));
  return std::max<int64_t>(0, limit - used + idle);
}

int64_t free_memory() {
  const int64_t available = number_in("/proc/meminfo", "MemAvailable:");
  const int64_t swap = number_in("/proc/meminfo", "SwapFree:");
  const int64_t left =
      available < 0 ? std::numeric_limits<int64_t>::max() : (available + std::max<int64_t>(0, swap)) * 1024;
  return std::min(left, left_in_container());
}

int64_t total_memory() {
  struct sysinfo info{};
  return sysinfo(&info) == 0 ? static_cast<int64_t>(info.totalram) * info.mem_unit : 0;
}

void release(void* data) {
  if (data == nullptr) return;
  const std::size_t usable = malloc_usable_size(data);
  allocated.fetch_sub(static_cast<int64_t>(usable), std::memory_order_relaxed);
  if (usable < kLargestSmallBlock + kLargestSmallBlock / 4) {
    keep_small_block(data, usable);
  } else {
    c10::free_cpu(data);
  }
}

// Null when there is no such memory.
void* try_allocate(std::size_t bytes) {
  if (!has_cpu_memory(bytes)) return nullptr;
  try {
    return bytes <= kLargestSmallBlock ? take_small_block(bytes) : c10::alloc_cpu(bytes);
  } catch (const c10::Error&) {
    return nullptr;
  }
}

class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* data = nullptr;
    if (bytes > 0) {
      data = try_allocate(bytes);
      if (data == nullptr) {
        malloc_trim(0);
        data = try_allocate(bytes);
      }
      if (data == nullptr) {
        throw c10::OutOfMemoryError(
            {__func__, __FILE__, static_cast<uint32_t>(__LINE__)},
            "CPU out of memory. Tried to allocate " + std::to_string(bytes) + " bytes; " + cpu_memory_figures());
      }
      count(static_cast<int64_t>(malloc_usable_size(data)));
    }
    return {data, data, &release, at::Device(at::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* target, const void* source, std::size_t bytes) const override {
    default_copy_data(target, source, bytes);
  }
};

// CUDA's allocator where it has been used, else null: asking it would wake the driver.
c10::DeviceAllocator* cuda_allocator() {
  if (!cuda_is_open()) return nullptr;
  auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(at::kCUDA));
  return allocator != nullptr && allocator->initialized() ? allocator : nullptr;
}

constexpr auto kAggregate = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);

}  // namespace

void count_cpu_memory() {
  static std::once_flag once;
  std::call_once(once, [] { c10::SetCPUAllocator(new CountingAllocator(), /*priority=*/1); });
}

DeviceMemory device_memory(at::Device device) {
  if (device.is_cpu()) return {allocated, peak, allocated, free_memory(), total_memory()};
  auto* allocator = cuda_allocator();
  if (allocator == nullptr) return {0, 0, 0, 0, 0};
  const auto statistics = allocator->getDeviceStats(device.index());
  const auto [free, total] = allocator->getMemoryInfo(device.index());
  return {statistics.allocated_bytes[kAggregate].current, statistics.allocated_bytes[kAggregate].peak,
          statistics.reserved_bytes[kAggregate].current, static_cast<int64_t>(free), static_cast<int64_t>(total)};
}

void reset_peak_memory(at::Device device) {
  if (device.is_cpu()) {
    peak.store(allocated.load());
  } else if (auto* allocator = cuda_allocator()) {
    allocator->resetPeakStats(device.index());
  }
}

bool empty_caches() {
  malloc_trim(0);
  auto* allocator = cuda_allocator();
  if (allocator == nullptr) return false;
  allocator->emptyCache();
  return true;
}

void release_heap_gaps() { malloc_trim(0); }

bool has_cpu_memory(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(std::numeric_limits<int64_t>::max())) return false;
  return bytes < kLarge || static_cast<int64_t>(bytes) <= free_memory();
}

std::string cpu_memory_figures() {
  return std::to_string(free_memory()) + " bytes are free, and " + std::to_string(allocated.load()) +
         " bytes are held by tensors";
}

}  // namespace torchwright
