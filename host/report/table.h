// Tables of text: columns of fixed widths with one blank between them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "report/text.h"

namespace gilscope {

struct Column {
  std::string_view title;
  std::size_t columns;
  Align align;
};

// As many texts as columns; one that is too long pushes the others on. No blanks at the end.
[[nodiscard]] std::string format_row(std::span<const Column> columns, std::span<const std::string> row);

[[nodiscard]] std::string format_titles(std::span<const Column> columns);

}  // namespace gilscope
