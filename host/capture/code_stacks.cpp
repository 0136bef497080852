#include "capture/code_stacks.h"

#include <utility>

namespace gilscope {

PlaceId CodeStacks::add(CodePlace place) {
  const PlaceId next{static_cast<std::uint32_t>(places_.size())};
  const auto [found, is_new] = place_ids_.try_emplace(std::move(place), next);
  if (is_new) places_.push_back(found->first);
  return found->second;
}

StackId CodeStacks::add(std::vector<PlaceId> places) {
  const StackId next{static_cast<std::uint32_t>(stacks_.size())};
  const auto [found, is_new] = stack_ids_.try_emplace(std::move(places), next);
  if (is_new) stacks_.push_back(found->first);
  return found->second;
}

std::vector<CodePlace> CodeStacks::places_of(StackId id) const {
  std::vector<CodePlace> places;
  for (const auto part : stack(id)) places.push_back(place(part));
  return places;
}

}  // namespace gilscope
