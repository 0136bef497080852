// The calling thread's lane, which it has from its first event of a recording until it ends.
#pragma once

#include <cerrno>
#include <cstdint>
#include <pthread.h>

#include "capture/lanes.h"
#include "capture/process_file.h"

namespace gilscope {

// Its window is always over, so a thread that has no lane takes the long way without another question.
extern constinit Lane no_lane;

// Trivial: needs no guard, and is there as long as the thread.
struct OwnLane {
  Lane* lane = &no_lane;
  std::uint64_t session = 0;
  std::uint64_t owner = 0;
  std::uint32_t drops_before_try = 0;
  std::uint64_t told = 0;  // the session that has the kernel's name of the thread
};
extern constinit thread_local OwnLane own_lane __attribute__((tls_model("initial-exec")));

// What the long way may change and the program must not see. Cancellation: none of its calls should be a
// cancellation point, but which are is the C library's choice.
class Unnoticed {
 public:
  Unnoticed() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_); }
  Unnoticed(const Unnoticed&) = delete;
  Unnoticed& operator=(const Unnoticed&) = delete;
  Unnoticed(Unnoticed&&) = delete;
  Unnoticed& operator=(Unnoticed&&) = delete;
  ~Unnoticed() {
    pthread_setcancelstate(cancel_state_, nullptr);
    errno = error_;
  }

 private:
  int error_ = errno;
  int cancel_state_ = 0;
};

// Before the first recording: memory for lanes, and what gives them back. Returns errno, or 0.
int prepare_lanes() noexcept;

// The thread's lane in the recording of that number, with a home in the file; nullptr: there is no space. It
// has no event that is later than `ticks`, as a stream's times grow. A lane that was somebody's goes on where
// that one stopped: its next record says whose it is now.
[[nodiscard]] Lane* take_own_lane(std::uint64_t session, std::uint64_t ticks, ProcessFile& file) noexcept;

// Events of all lanes. Nobody records meanwhile, in both.
[[nodiscard]] std::uint64_t events_of_lanes() noexcept;
void release_lanes() noexcept;

}  // namespace gilscope
