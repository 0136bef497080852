#include "run/stock_python.h"

#include <fstream>

#include <fmt/core.h>

#include "support/error.h"

namespace gilscope {
namespace {

struct EmbeddedFile {
  const char* name;
  const char* text;
};

// Made by cmake/embed_text.py.
#include "stock_files.inc"

constexpr std::string_view kMark = "\ngilscope-answer:";  // host/run/stock_main.py

}  // namespace

StockTrialFolder::StockTrialFolder() {
  for (const auto& [name, text] : kFiles) {
    std::ofstream file(folder_.path() / name, std::ios::binary);
    file << text;
    file.close();
    if (!file) {
      throw Error(fmt::format("{} cannot be written", (folder_.path() / name).string()),
                  "set TMPDIR to a folder of yours on a disk with space");
    }
  }
}

std::vector<std::string> StockTrialFolder::command_of(const std::string& python) const {
  return {python, folder_.path().string()};
}

std::string find_answer(std::string_view output) {
  const auto mark = output.rfind(kMark);
  if (mark == std::string_view::npos) return "";
  const auto answer = output.substr(mark + kMark.size());
  return std::string(answer.substr(0, answer.find('\n')));
}

PythonFacts parse_python_facts(std::string_view output) {
  try {
    auto facts = nlohmann::ordered_json::parse(find_answer(output));
    const auto implementation = facts.at("implementation").get<std::string>();
    if (implementation != "CPython" && implementation != "PyPy") {
      throw Error(fmt::format("is {}, neither CPython nor PyPy", implementation), "");
    }
    PythonFacts parsed;
    parsed.base_executable = facts.at("base_executable").get<std::string>();
    parsed.prefix = facts.at("prefix").get<std::string>();
    parsed.is_environment = parsed.prefix != facts.at("base_prefix").get<std::string>();
    static_cast<void>(facts.at("version").get_ref<const std::string&>());
    static_cast<void>(facts.at("free_threaded").get_ref<const bool&>());
    facts["linkage"] = "stock";
    parsed.python = std::move(facts);
    return parsed;
  } catch (const nlohmann::json::exception&) {
    throw Error("is no Python: it runs, but does not answer as one", "");
  }
}

}  // namespace gilscope
