#include "runtime/thread_team.h"

#ifdef _OPENMP
#include <omp.h>
// OpenMP's library comes with libtorch; one without these functions does not stop the addon from loading.
#pragma weak omp_pause_resource
#pragma weak omp_get_initial_device
#endif

namespace torchwright {

void dismiss_thread_team() {
#ifdef _OPENMP
  if (&omp_pause_resource != nullptr) omp_pause_resource(omp_pause_soft, omp_get_initial_device());
#endif
}

}  // namespace torchwright
