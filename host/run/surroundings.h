// Of which Python and machine a document is.
#pragma once

#include <nlohmann/json.hpp>

#include "run/python_build.h"

namespace gilscope {

// What `gilscope doctor --json` says of both, or of it what other documents tell.
struct Surroundings {
  nlohmann::ordered_json python;
  nlohmann::ordered_json machine;
};

// The latter, of the interpreter of this process, whose GIL is held: before it runs the user's code, which
// may change what is read. It starts no process, imports nothing and changes nothing.
[[nodiscard]] Surroundings look_around(Linkage linkage);

}  // namespace gilscope
