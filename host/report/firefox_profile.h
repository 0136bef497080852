// Holds and waits as markers, and the stacks that made others wait as samples, in the processed profile
// format of the Firefox Profiler (https://profiler.firefox.com), version 48: a thread of it for each thread,
// column by column.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/export_text.h"
#include "report/interval_spool.h"

namespace gilscope {

struct FirefoxProcess {
  std::string pid;  // unique within the profile
  std::string name;
  Nanoseconds begin{};  // as all times of a profile: since its origin
};

struct FirefoxThread {
  ThreadId id{};
  std::string name;
  bool is_main = false;
};

struct FirefoxOrigin {
  Nanoseconds since_boot{};   // CLOCK_MONOTONIC
  double since_epoch_ms = 0;  // 0: not known
};

class FirefoxProfile {
 public:
  // `name` is that of the whole.
  FirefoxProfile(TextSink sink, const std::string& name, const FirefoxOrigin& origin);

  // A thread, whose intervals are in the spool; `stacks` are what they name. Throws what the spool does.
  void add(const FirefoxProcess& process, const FirefoxThread& thread, IntervalSpool& spool,
           const CodeStacks& stacks);
  // After the last of these.
  void finish();

 private:
  template <typename Write>
  void write_column(const char* name, ThreadId thread, IntervalSpool& spool, Write write);

  BufferedSink text_;
  bool is_empty_ = true;
};

}  // namespace gilscope
