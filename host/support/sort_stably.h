// std::stable_sort, whose libstdc++ takes its buffer from a function that C++17 deprecated: clang-tidy
// refuses it.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace gilscope {

// Equals stay in their order.
template <typename Element, typename Less>
void sort_stably(std::vector<Element>& list, Less less) {
  std::vector<Element*> order;
  order.reserve(list.size());
  for (auto& element : list) order.push_back(&element);
  std::ranges::sort(order, [&](const Element* left, const Element* right) {
    if (less(*left, *right)) return true;
    return !less(*right, *left) && left < right;
  });
  std::vector<Element> sorted;
  sorted.reserve(list.size());
  for (Element* const element : order) sorted.push_back(std::move(*element));
  list = std::move(sorted);
}

}  // namespace gilscope
