// Runs in the child of fork() or vfork(): system calls only.
#include "recording/start_kind.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace gilscope {
namespace {

// Up to the first white space.
std::string_view first_word(std::string_view text) noexcept {
  return text.substr(0, text.find_first_of(" \t\n"));
}

bool is_python(std::string_view path) noexcept {
  const auto name = name_of_program(path);
  return name.starts_with("python") || name.starts_with("pypy");
}

bool closes(char letter) noexcept { return letter == 'I' || letter == 'E' || letter == 'S'; }

// Of Python's flags up to the program, as Python reads them; what follows these words is the program's.
bool has_closing_flag(char* const argv[]) noexcept {
  for (char* const* word = argv; *word != nullptr; ++word) {
    const std::string_view flag = *word;
    if (flag.size() < 2 || flag.front() != '-' || flag == "--") return false;
    if (flag.starts_with("--")) {
      if (flag == "--check-hash-based-pycs" && word[1] != nullptr) ++word;
      continue;
    }
    for (std::size_t i = 1; i < flag.size(); ++i) {
      if (closes(flag[i])) return true;
      if (flag[i] == 'c' || flag[i] == 'm') return false;
      if (flag[i] != 'W' && flag[i] != 'X') continue;
      if (i + 1 == flag.size() && word[1] != nullptr) ++word;
      break;
    }
  }
  return false;
}

bool has_code(char* const argv[], const char* code) noexcept {
  for (char* const* word = argv; *word != nullptr; ++word) {
    if (std::strstr(*word, code) != nullptr) return true;
  }
  return false;
}

bool is_tracker(char* const argv[]) noexcept { return has_code(argv, "resource_tracker import main"); }

// As host/run/child_start.py has it.
bool is_aside(const char* path, char* const argv[]) noexcept {
  if (name_of_program(path) == "gilscope" || is_tracker(argv)) return true;
  for (char* const* word = argv; *word != nullptr; ++word) {
    if (std::strcmp(*word, "-m") == 0 && word[1] != nullptr && std::strcmp(word[1], "gilscope") == 0)
      return true;
  }
  return argv[1] != nullptr && name_of_program(argv[1]) == "gilscope";
}

// Of a script: what its first line says.
Started judge_script(const char* path) noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return Started::Other;
  std::array<char, 256> bytes{};
  const auto size = read(file, bytes.data(), bytes.size());
  close(file);
  std::string_view line(bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  if (!line.starts_with("#!")) return Started::Other;
  line = line.substr(2, line.find('\n') - 2);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  auto program = first_word(line);
  line.remove_prefix(program.size());
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (name_of_program(program) == "env") program = first_word(line);
  if (!is_python(program)) return Started::Other;
  const bool is_closed = line.starts_with('-') && std::ranges::any_of(first_word(line), closes);
  return is_closed ? Started::Closed : Started::Python;
}

}  // namespace

std::string_view name_of_program(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Started judge_start(const char* path, char* const argv[]) noexcept {
  if (path == nullptr || argv[0] == nullptr) return Started::Other;
  auto kind = Started::Other;
  if (is_python(path)) {
    kind = has_closing_flag(argv + 1) ? Started::Closed : Started::Python;
  } else if (std::strchr(path, '/') != nullptr) {
    kind = judge_script(path);
  }
  return kind == Started::Python && is_aside(path, argv) ? Started::Aside : kind;
}

// Anything else is a run of its own.
Started judge_own(char* const argv[]) noexcept {
  return has_code(argv, "from multiprocessing.") && !is_tracker(argv) ? Started::Python : Started::Aside;
}

}  // namespace gilscope
