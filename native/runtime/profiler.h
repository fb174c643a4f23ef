// Libtorch's own profiler: a trace of every operator that runs, forward and backward, for the whole of an environment.
#pragma once

#include <ATen/record_function.h>

#include <string>

namespace torchwright {

// Whether this libtorch has what writes traces.
bool has_profiler();

// What may be recorded beside names and times.
struct ProfileOptions {
  bool shapes;
  bool memory;
};

// Records what the thread runs that makes it, and the jobs that this thread submits from then on: the profiler's state
// is a thread's own, and goes with its jobs as grad mode does. There is one at a time in a process.
class Profile {
 public:
  explicit Profile(const ProfileOptions& options);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  // Ends the recording and writes a Chrome trace. Called in a job that was submitted before `leave`.
  void write(const std::string& file);
  // Lets the thread that made it go on unrecorded.
  void leave();

 private:
  at::RecordFunctionTLS callbacks_before_;
};

}  // namespace torchwright
