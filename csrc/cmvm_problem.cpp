#include "cmvm_problem.hpp"

#include <map>

#include "cmvm_graph.hpp"

namespace hgq2rtl::cmvm {

Problem::Problem(std::span<const std::int64_t> matrix, std::span<const Interval> inputs,
                 std::span<const int> arrivals, int levels)
    : inputs(inputs.begin(), inputs.end()),
      arrivals(arrivals.begin(), arrivals.end()),
      levels(levels) {
    const std::size_t rows = inputs.size();
    const std::size_t width = rows == 0 ? 0 : matrix.size() / rows;
    std::map<std::vector<std::pair<std::int32_t, std::int64_t>>, std::int32_t> known;
    for (std::size_t j = 0; j < width; ++j) {
        Form form;
        for (std::size_t i = 0; i < rows; ++i) {
            if (const auto value = matrix[i * width + j]; value != 0) {
                form.push_back({static_cast<std::int32_t>(i), value});
            }
        }
        if (form.empty()) {
            outputs.emplace_back();
            continue;
        }
        const int zeros = trailing_zeros(form);
        const std::int16_t sign = form[0].value < 0 ? -1 : 1;
        std::vector<std::pair<std::int32_t, std::int64_t>> key;
        for (auto& [input, value] : form) {
            value = (value >> zeros) * sign;
            key.emplace_back(input, value);
        }
        const auto [at, is_new] = known.emplace(key, static_cast<std::int32_t>(columns.size()));
        if (is_new) {
            columns.push_back(form);
            wanted.push_back(0);
        }
        wanted[static_cast<std::size_t>(at->second)] |= sign > 0 ? wants_plus : wants_minus;
        outputs.push_back({at->second, static_cast<std::int16_t>(zeros), sign});
    }
}

}  // namespace hgq2rtl::cmvm
