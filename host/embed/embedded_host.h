// The binary as the host of the command line.
#pragma once

#include "run/python_host.h"

namespace gilscope {

class EmbeddedHost : public PythonHost {
 public:
  [[nodiscard]] Linkage linkage() const override;
  [[nodiscard]] TrialProgram program() const override;
  [[nodiscard]] std::filesystem::path article_folder() const override;
  void with_python(const std::function<void()>& work) override;
  int run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready,
                 const std::vector<std::string>& command) override;
};

}  // namespace gilscope
