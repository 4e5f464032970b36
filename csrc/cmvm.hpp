#pragma once
// Constant matrix times vector as an adder graph; see hgq2rtl.cmvm.

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "cmvm_cost.hpp"
#include "cmvm_problem.hpp"

namespace hgq2rtl::cmvm {

struct Effort {
    int trees = 8;               ///< noisy trees per output of the first graph
    bool has_spanning_trees = false;
    std::int64_t steps = 0;      ///< of the search
    int runs = 1;                ///< searches, each of `steps`
    std::uint64_t seed = 0;
};

/// Nodes: a, shift_a, sign_a, b, shift_b, sign_b. Outputs: node, shift, sign.
struct Solution {
    std::vector<std::array<int, 6>> nodes;
    std::vector<std::array<int, 3>> outputs;
    std::vector<int> fused;
    std::int64_t total = 0;      ///< what was minimised, in 1/`lut` LUTs
};

/// The best graph that the effort finds, or the best so far when `should_stop` says so.
[[nodiscard]] Solution solve(const Problem& problem, const Cost& cost, const Effort& effort,
                             const std::function<bool()>& should_stop);

}  // namespace hgq2rtl::cmvm
