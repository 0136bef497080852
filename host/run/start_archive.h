// What the Pythons that a recorded program starts read first: a zip archive in anonymous memory, with one
// module (host/run/child_start.py). No file to clean up; others find it through /proc while this process
// lives.
#pragma once

#include <string>

#include "support/file.h"

namespace gilscope {

// Who can record a Python that is started.
struct StartPlan {
  std::string recording;  // where it is to record: see Recording::path()
  std::string version;    // gilscope's
  // The binary and what it embeds, as sys.version and sys.base_exec_prefix of a Python that it can be; "":
  // none, and the Python joins by its own package.
  std::string host;
  std::string python;
  std::string prefix;
};

class StartArchive {
 public:
  // Throws Error where the system gives no such memory.
  explicit StartArchive(const StartPlan& plan);

  [[nodiscard]] int file() const noexcept { return file_.get(); }
  // What PYTHONPATH is to begin with.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  FileDescriptor file_;
  std::string path_;
};

}  // namespace gilscope
