#pragma once
// Rows of three operands: a node joins its only reader.

#include <cstdint>
#include <vector>

#include "cmvm_graph.hpp"

namespace hgq2rtl::cmvm {

/// A row of three unsigned operands: a LUT in positions that two of them cover, and one for the
/// last carry that the first addition hands on.
[[nodiscard]] int price_of_three(const Cost& cost, Span a, Span b, Span c, int top) noexcept;

/// The cheapest fusion, exact: dynamic programming over the trees of nodes with one use.
class Fusion {
   public:
    std::int64_t total(const Graph& graph);

    /// The nodes that join their reader, after `total`.
    [[nodiscard]] std::vector<std::int32_t> joined(const Graph& graph) const;

   private:
    std::vector<std::int64_t> best_;  ///< per node: its tree of nodes with one use
    std::vector<char> choice_;        ///< 0: two operands; 1, 2: `a`, `b` joins
};

}  // namespace hgq2rtl::cmvm
