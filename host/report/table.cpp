#include "report/table.h"

#include <vector>

namespace gilscope {

std::string format_row(std::span<const Column> columns, std::span<const std::string> row) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line += ' ';
    line += pad(row[i], columns[i].columns, columns[i].align);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string format_titles(std::span<const Column> columns) {
  std::vector<std::string> titles;
  for (const auto& column : columns) titles.emplace_back(column.title);
  return format_row(columns, titles);
}

}  // namespace gilscope
