// A recording of this process that Python starts and stops: what a trace and a flight recorder have in
// common. Methods are called with the GIL held.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "probe/probe_error.h"
#include "recording/address_space.h"
#include "recording/recording.h"
#include "support/temporary_folder.h"

namespace gilscope {

class OwnRecording {
 public:
  // Why there is no room for it; empty where there is.
  [[nodiscard]] const std::optional<std::string>& lack() const noexcept { return lack_; }

  void name_thread(std::uint32_t thread, const std::string& name) {
    recording_->name_thread(ThreadId{thread}, name);
  }
  void name_process(const std::string& name, bool is_worker) {
    recording_->name_process(name, is_worker ? NamedBy::Worker : NamedBy::Module);
  }
  void end_thread(std::uint32_t thread) { recording_->end_thread(ThreadId{thread}); }

 protected:
  OwnRecording() : lack_(lack_of_addresses(kTraceShare)) {}

  // False where there is nothing to record: the process has no room, or this Python no GIL, and what is
  // recorded all the same cannot be.
  bool start_recording() {
    if (!recording_) return false;
    try {
      recording_->start();
    } catch (const ProbeError& error) {
      if (error.failure() != ProbeFailure::NoGil) throw;
      return false;
    }
    return true;
  }

  // NOLINTBEGIN(*-non-private-member-variables-in-classes): what the heirs are about
  // Of what is kept; it outlives the recording. nullptr: nothing is.
  std::unique_ptr<TemporaryFolder> folder_;
  // Empty: there is no room for it.
  std::optional<Recording> recording_;
  // NOLINTEND(*-non-private-member-variables-in-classes)

 private:
  std::optional<std::string> lack_;
};

}  // namespace gilscope
