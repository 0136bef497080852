// A stock CPython that has imported this extension, as the host of the command line.
#pragma once

#include <csignal>

#include "run/python_host.h"

namespace gilscope {

// One in a process, in its main thread, the GIL held. While it lives and no code of the user's runs, Ctrl-C
// ends the process as it ends a program in C++: Python's own handler would leave it to bytecode that does not
// come.
class StockHost : public PythonHost {
 public:
  StockHost();
  StockHost(const StockHost&) = delete;
  StockHost& operator=(const StockHost&) = delete;
  StockHost(StockHost&&) = delete;
  StockHost& operator=(StockHost&&) = delete;
  ~StockHost() override;

  [[nodiscard]] Linkage linkage() const override { return Linkage::Stock; }
  [[nodiscard]] TrialProgram program() const override;
  [[nodiscard]] std::filesystem::path article_folder() const override;
  void with_python(const std::function<void()>& work) override;
  int run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready,
                 const std::vector<std::string>& command) override;

 private:
  void give_interrupt_back() noexcept;

  struct sigaction interrupt_{};
};

// Makes this interpreter one in which gilscope runs code: what it is asked to import is there, and children
// of multiprocessing are, too.
void prepare_interpreter();

}  // namespace gilscope
