// Words and JSON for what `gilscope doctor` found.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/findings.h"
#include "report/text.h"

namespace gilscope {

[[nodiscard]] std::string format_doctor_report(const DoctorFacts& facts, const std::vector<Finding>& findings,
                                               const TextStyle& style = {});

// docs/schemas/doctor.schema.json describes it. Texts may hold bytes of paths that are no UTF-8.
[[nodiscard]] nlohmann::ordered_json doctor_json(const DoctorFacts& facts,
                                                 const std::vector<Finding>& findings);

// One sentence: what figures of this Python on this machine will be good for.
[[nodiscard]] std::string conclude(const std::vector<Finding>& findings);

}  // namespace gilscope
