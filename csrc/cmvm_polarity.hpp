#pragma once
// Signs of two's complement nodes: which of a form and its negative is built.

#include <array>
#include <cstdint>
#include <vector>

#include "cmvm_graph.hpp"

namespace hgq2rtl::cmvm {

/// The cheapest signs: exact within trees of nodes with one use, node by node for those with
/// more. An output that comes with the wrong sign is negated by an adder of full width.
class Polarities {
   public:
    std::int64_t total(const Graph& graph);

    /// Per node: 1 where its negative is built. After `total`.
    [[nodiscard]] std::vector<char> chosen(const Graph& graph) const;

   private:
    struct Choice {
        std::array<std::int64_t, 2> best{};  ///< of a node's tree, built as it is and negated
        std::array<std::array<char, 2>, 2> operands{};  ///< polarities of a and b for each
        char fixed = 0;                      ///< of a node with several readers
        bool is_alone = false;               ///< read by one node only
    };

    void choose(const Graph& graph, int n);
    [[nodiscard]] std::int64_t negations(const Graph& graph, int n, int polarity) const;

    std::vector<Choice> choices_;
    std::vector<std::uint8_t> wanted_;  ///< per node, relative to its form
};

}  // namespace hgq2rtl::cmvm
