#pragma once
// A graph as a list of sums, small enough to keep many.

#include <array>
#include <vector>

#include "cmvm_nodes.hpp"

namespace hgq2rtl::cmvm {

/// Additions in any order, numbered from the inputs on, and the terms that the outputs read.
/// A sum without `b` is another name for `a`.
struct Recipe {
    int inputs = 0;
    std::vector<std::array<Term, 2>> sums;
    std::vector<Term> outputs;
};

/// Build what the outputs need on top of the inputs; of equal forms the shallowest only.
/// Gives the terms of the outputs.
std::vector<Term> add_to(Nodes& nodes, const Recipe& recipe);

}  // namespace hgq2rtl::cmvm
