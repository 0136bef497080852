// hooks_host PYTHON-ARGUMENT...: `python` as `gilscope run` is, its hooks in place with their clock reads,
// and a recorder that does nothing. What bench_perturbation.py holds gilscope's own recorders against.
#include <Python.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "embed/interpreter.h"
#include "probe/probe.h"
#include "recorders.h"

namespace gilscope::bench {
namespace {

// Never destroyed: threads that Python leaves behind may be in a hook until the very end.
Probe& probe = *new Probe;

void hook() {
  probe.start(*new NoRecorder);
  Py_AtExit([] { probe.stop(); });
}

}  // namespace
}  // namespace gilscope::bench

int main(int argc, char** argv) {
  try {
    std::signal(SIGPIPE, SIG_IGN);  // as host/main.cpp
    return gilscope::run_python(std::vector<std::string>(argv + 1, argv + argc), gilscope::bench::hook);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hooks_host: %s\n", error.what());
    return 1;
  }
}
