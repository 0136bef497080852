// What `gilscope run` says when the program has ended: the report, to the file of --report or to the standard
// error that there was at the start, and what could not be done, to that one.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "report/text.h"
#include "support/error.h"
#include "support/error_stream.h"
#include "support/file.h"

namespace gilscope::cli {

// "": to standard error. Throws Error.
void write_report_file(const std::string& file, Existing existing, const std::string& text);

class LastWords {
 public:
  // `file` is absolute, "-" or "". Before any code of the user's.
  LastWords(std::string file, Existing existing) : file_(std::move(file)), existing_(existing) {}

  // Throws Error where the file cannot be written.
  void report(const std::function<std::string(const TextStyle&)>& text);
  void fail(const Error& error);

  // How long each of them waits for who reads it: somebody goes on with the rest, or nobody does.
  void expect_successor(bool is_there) noexcept { has_successor_ = is_there; }
  // What nobody has read so far.
  [[nodiscard]] const std::string& rest() const noexcept { return rest_; }

  void close_in_child() noexcept { errors_.close_in_child(); }

 private:
  void say(std::string_view text);

  std::string file_;
  Existing existing_;
  ErrorStream errors_;
  std::string rest_;
  bool has_successor_ = false;
};

}  // namespace gilscope::cli
