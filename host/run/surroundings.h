// Of which Python and machine a document is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

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

// Where the code lies that this interpreter is about to run: the folder of the script, or what is run as a
// whole, and the current folder. Absolute, without symbolic links. The root is no program's folder: of a
// script there, the script alone.
[[nodiscard]] std::vector<std::filesystem::path> find_program_folders();

// Whether `-m name` would find something to run, which is not imported for that.
[[nodiscard]] bool is_runnable_module(const std::string& name);

}  // namespace gilscope
