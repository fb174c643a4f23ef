#include "io/mapping_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <mutex>

namespace torchwright::mapping {

namespace {

// The handler may only look at atomics: `begin` is 0 while a place is free.
struct Place {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> broken{false};
};

std::array<Place, 1024> places;
std::mutex placing;
struct sigaction before;
const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));

Place* place_of(uintptr_t address) {
  for (Place& place : places) {
    const uintptr_t begin = place.begin.load(std::memory_order_acquire);
    if (begin != 0 && address >= begin && address < place.end.load(std::memory_order_acquire)) return &place;
  }
  return nullptr;
}

// Puts zeros where the file has nothing left, and lets the instruction try again.
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  if (Place* place = place_of(address)) {
    const uintptr_t from = address / page * page;
    const uintptr_t to = (place->end.load() + page - 1) / page * page;
    void* zeros = mmap(reinterpret_cast<void*>(from), to - from, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros != MAP_FAILED) {
      if (!place->broken.exchange(true)) broken.fetch_add(1);
      return;
    }
  }
  if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    // Nobody's: the instruction fails once more, as it would have without us.
    sigaction(SIGBUS, &before, nullptr);
  }
}

void install() {
  struct sigaction action{};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &before);
}

}  // namespace

int guard(void* data, std::size_t size) {
  static std::once_flag once;
  std::call_once(once, install);
  const std::lock_guard lock(placing);
  for (std::size_t i = 0; i < places.size(); ++i) {
    Place& place = places[i];
    if (place.begin.load() != 0) continue;
    place.broken = false;
    place.end = reinterpret_cast<uintptr_t>(data) + size;
    place.begin.store(reinterpret_cast<uintptr_t>(data), std::memory_order_release);
    return static_cast<int>(i);
  }
  return -1;
}

void unguard(int index) {
  const std::lock_guard lock(placing);
  Place& place = places[static_cast<std::size_t>(index)];
  place.begin = 0;
  if (place.broken.exchange(false)) broken.fetch_sub(1);
}

bool is_broken(int index) { return places[static_cast<std::size_t>(index)].broken; }

bool is_broken(const void* memory) {
  const Place* place = place_of(reinterpret_cast<uintptr_t>(memory));
  return place != nullptr && place->broken;
}

}  // namespace torchwright::mapping
