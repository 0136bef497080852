// The whole command line, for who runs it: nothing of the parser.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "run/python_host.h"

namespace gilscope::cli {

// One clear message of what ended the command line, and of what to try; returns the exit code.
int report_failure(const std::exception& error);

// Parses and runs. Throws gilscope::Error; the parser's own errors are printed, and are exit code 2.
int run_command_line(const std::vector<std::string>& arguments, PythonHost& host);

}  // namespace gilscope::cli
