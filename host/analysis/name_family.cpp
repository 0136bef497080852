#include "analysis/name_family.h"

#include <algorithm>

namespace gilscope {

std::size_t write_family(std::string_view name, Numbers numbers, std::span<char> family) noexcept {
  const auto end = std::min(name.find(" ("), name.size());
  auto begin = end;
  while (begin > 0 && is_digit(name[begin - 1])) --begin;
  std::size_t size = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool is_number = numbers == Numbers::All ? is_digit(name[i]) : i >= begin && i < end;
    if (!is_number) family[size++] = name[i];
    if (is_number && (i == 0 || i == begin || !is_digit(name[i - 1]))) family[size++] = 'N';
  }
  return size;
}

std::string name_family(std::string_view name) {
  std::string family(name.size(), '\0');
  family.resize(write_family(name, Numbers::TheLast, family));
  return family;
}

}  // namespace gilscope
