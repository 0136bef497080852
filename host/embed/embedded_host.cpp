#include "embed/embedded_host.h"

#include "embed/interpreter.h"

namespace gilscope {

Linkage EmbeddedHost::linkage() const {
  return std::string_view(GILSCOPE_PYTHON_LINKAGE) == "static" ? Linkage::Static : Linkage::Shared;
}

TrialProgram EmbeddedHost::program() const {
  return {.engine = Engine::Host, .command = {host_executable()}, .environment = {}};
}

std::filesystem::path EmbeddedHost::article_folder() const { return GILSCOPE_ARTICLE_FOLDER; }

void EmbeddedHost::with_python(const std::function<void()>& work) {
  const Interpreter interpreter;
  work();
}

int EmbeddedHost::run_python(const std::vector<std::string>& arguments, const WhenReady& when_ready,
                             const std::vector<std::string>& /*command*/) {
  return gilscope::run_python(arguments, when_ready);
}

}  // namespace gilscope
