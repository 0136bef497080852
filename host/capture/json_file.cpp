#include "capture/json_file.h"

#include <string>

#include <fmt/core.h>

#include "capture/stream_reader.h"
#include "support/error.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

constexpr std::uint64_t kMaxSize = 64U << 20U;
constexpr int kMaxDepth = 100;  // what is read is freed by recursion

}  // namespace

nlohmann::json read_json(const std::filesystem::path& file) {
  const BlockFile source(file);
  if (source.size() > kMaxSize) source.reject(kMaxSize, "the end of the file");
  std::string text(source.size(), '\0');
  source.read(text.data(), text.size(), 0, "JSON");
  const auto bound_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kMaxDepth) source.reject(0, "JSON of at most 100 levels");
    return true;
  };
  try {
    return nlohmann::json::parse(text, bound_depth);
  } catch (const nlohmann::json::parse_error& error) {
    source.reject(error.byte, "JSON");
  } catch (const nlohmann::json::exception&) {
    source.reject(0, "JSON whose numbers have a place in 64 bits");
  }
}

void reject_json(const std::filesystem::path& file, std::string_view expected) {
  throw Error(fmt::format("{}: byte 0: expected {}", file.string(), expected),
              "the file is damaged, no capture of gilscope's, or a newer one's");
}

std::string json_file_text(const nlohmann::ordered_json& json) { return dump_json(json, 2) + "\n"; }

}  // namespace gilscope
