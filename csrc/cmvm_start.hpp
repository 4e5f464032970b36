#pragma once
// The first graph: signed digits, greedy sharing, trees.

#include <span>
#include <vector>

#include "cmvm_greedy.hpp"
#include "cmvm_problem.hpp"
#include "cmvm_recipe.hpp"
#include "cmvm_trees.hpp"

namespace hgq2rtl::cmvm {

struct StartOptions {
    int trees = 1;            ///< noisy trees per output besides the plain one; the cheapest stays
    double noise = 0.5;       ///< of those, in LUTs
    TreeOptions tree;
    GreedyOptions greedy;
};

/// How a column is made from an earlier one: `column = parent term + digits of the rest`.
struct Derivation {
    std::int32_t parent = -1;  ///< -1: from nothing
    std::int16_t shift = 0;
    std::int16_t sign = 1;
};

/// Every column from nothing.
[[nodiscard]] std::vector<Derivation> no_derivations(const Problem& problem);

/// A graph for all columns, each from its digits or from the column that it derives from.
[[nodiscard]] Recipe start(const Problem& problem, const Cost& cost,
                           std::span<const Derivation> derivations, const StartOptions& options,
                           std::uint64_t seed);

/// Columns from columns: a spanning tree by the price of the digits of differences (Prim 1957),
/// at most `most_derived` derivations one after the other.
[[nodiscard]] std::vector<Derivation> spanning_tree(const Problem& problem, int most_derived);

}  // namespace hgq2rtl::cmvm
