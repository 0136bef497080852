#include "run/article_records.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "support/error.h"

namespace gilscope {
namespace {

using Json = nlohmann::json;

template <typename Value>
std::optional<Value> optional_value(const Json& object, const char* key) {
  const auto& value = object.at(key);
  return value.is_null() ? std::nullopt : std::optional(value.get<Value>());
}

std::string text_or_empty(const Json& object, const char* key) {
  return optional_value<std::string>(object, key).value_or("");
}

// Not json's own iteration, which takes whatever is no list for one, and null for an empty one.
const Json::array_t& list_at(const Json& object, const char* key) {
  return object.at(key).get_ref<const Json::array_t&>();
}

// The rows of a document of that schema, each made by `make`.
template <typename Make>
auto parse(std::string_view text, std::string_view schema, const char* rows, Make make) {
  try {
    const auto document = Json::parse(text);
    if (document.at("schema") != schema)
      throw Error(fmt::format("what should be {} is another document", schema), "please report this");
    std::vector<decltype(make(document, document))> made;
    for (const auto& row : list_at(document, rows)) made.push_back(make(row, document));
    return made;
  } catch (const Json::exception& error) {
    throw Error(fmt::format("what should be {} cannot be read: {}", schema, error.what()),
                "please report this");
  }
}

}  // namespace

std::vector<ExchangeRow> parse_exchange(std::string_view text) {
  return parse(text, "gilscope.exchange/1", "rows", [](const Json& row, const Json&) {
    ExchangeRow made{.way = row.at("way"),
                     .between = row.at("between"),
                     .bytes = row.at("bytes"),
                     .bytes_per_s = optional_value<double>(row, "bytes_per_s"),
                     .reason = text_or_empty(row, "reason")};
    if (const auto latency = optional_value<std::int64_t>(row, "latency_ns"))
      made.latency = Nanoseconds(*latency);
    return made;
  });
}

std::vector<ProcessCount> parse_process_count(std::string_view text) {
  return parse(text, "gilscope.process-count/1", "methods", [](const Json& row, const Json& document) {
    ProcessCount made{.method = row.at("method"), .reason = text_or_empty(row, "reason")};
    made.is_default = document.at("default").get_ref<const std::string&>() == made.method;
    for (const auto& process : list_at(row, "processes")) made.roles.push_back(process.at("role"));
    return made;
  });
}

std::vector<FlavourRow> parse_flavours(std::string_view text) {
  return parse(text, "gilscope.flavours/1", "rows", [](const Json& row, const Json&) {
    FlavourRow made{.name = row.at("name"),
                    .version = text_or_empty(row, "version"),
                    .executable = text_or_empty(row, "executable"),
                    .status = row.at("status"),
                    .reason = text_or_empty(row, "reason"),
                    .sequential_s = optional_value<double>(row, "sequential_s"),
                    .threads_s = optional_value<double>(row, "threads_s"),
                    .has_gil = optional_value<bool>(row, "has_gil")};
    if (!row.at("ratio").is_null()) made.ratio = row.at("ratio").at("median").get<double>();
    return made;
  });
}

}  // namespace gilscope
