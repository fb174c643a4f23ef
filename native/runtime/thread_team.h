// The threads that share loops with the one that calls: OpenMP keeps them for each thread that ever asked.
#pragma once

namespace torchwright {

// Ends those of the calling thread; the next shared loop starts them anew. Where the process has more of them than
// processors, OpenMP lets none spin while it waits for work, and waking them takes longer than most products do: the
// JavaScript thread and the compute thread must not both keep theirs.
void dismiss_thread_team();

}  // namespace torchwright
