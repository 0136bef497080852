// JSON files of a capture, read with distrust: bounded in size and depth.
#pragma once

#include <filesystem>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace gilscope {

// Throws Error that names file and byte.
[[nodiscard]] nlohmann::json read_json(const std::filesystem::path& file);

// Throws the Error for a file that is JSON but not what it should be.
[[noreturn]] void reject_json(const std::filesystem::path& file, std::string_view expected);

// Names and arguments may be any bytes; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_file_text(const nlohmann::ordered_json& json);

}  // namespace gilscope
