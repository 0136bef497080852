#include "analysis/process_record.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gilscope {
namespace {

// In the order of the roles.
constexpr std::array<std::pair<ProcessRole, std::string_view>, 6> kStartMethods{
    {{ProcessRole::First, ""},
     {ProcessRole::Fork, "fork"},
     {ProcessRole::Spawn, "spawn"},
     {ProcessRole::Forkserver, "forkserver"},
     {ProcessRole::Server, "server"},
     {ProcessRole::Started, "exec"}}};

}  // namespace

ProcessRole role_of_start_method(std::string_view start_method) noexcept {
  const auto* const found =
      std::ranges::find(kStartMethods, start_method, [](const auto& entry) { return entry.second; });
  return found == kStartMethods.end() ? ProcessRole::First : found->first;
}

std::string_view start_method_of_role(ProcessRole role) noexcept {
  return kStartMethods.at(static_cast<std::size_t>(role)).second;
}

}  // namespace gilscope
