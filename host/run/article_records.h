// What the article's measuring programs print with --json: the plain types that `run` hands to `analysis`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/time.h"

namespace gilscope {

// One way of passing bytes, with messages of one size: python/article/exchange.py.
struct ExchangeRow {
  std::string way;
  std::string between;  // "processes", "threads", "sub-interpreters"
  std::uint64_t bytes = 0;
  std::optional<Nanoseconds> latency;  // half of a round trip; empty: not available
  std::optional<double> bytes_per_s;
  std::string reason;  // why it is not
};

struct ProcessCount {
  std::string method;
  bool is_default = false;         // of this Python
  std::vector<std::string> roles;  // of each process: "program", "worker", "fork server", "resource tracker"
  std::string reason;              // why there are none
};

// One interpreter: python/article/flavours.py.
struct FlavourRow {
  std::string name;
  std::string version;     // "" where it is not known
  std::string executable;  // likewise
  std::string status;      // "ok", "missing", "failed", "timeout"
  std::string reason;
  std::optional<double> sequential_s;
  std::optional<double> threads_s;
  std::optional<double> ratio;  // threads / sequential, the median of the rounds
  std::optional<bool> has_gil;  // empty: cannot be told
};

// Each throws Error where the text is not what the program prints.
std::vector<ExchangeRow> parse_exchange(std::string_view text);
std::vector<ProcessCount> parse_process_count(std::string_view text);
std::vector<FlavourRow> parse_flavours(std::string_view text);

}  // namespace gilscope
