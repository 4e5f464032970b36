#pragma once
// A graph on its way: nodes, what the outputs read, and what is in use.

#include <cstdint>
#include <span>
#include <vector>

#include "cmvm_cost.hpp"
#include "cmvm_recipe.hpp"
#include "cmvm_rows.hpp"

namespace hgq2rtl::cmvm {

/// With which sign an output is wanted; of columns that are equal up to sign, both may be.
enum : std::uint8_t { wants_plus = 1, wants_minus = 2 };

/// The nodes that outputs need; each operand and each output counts as a use.
class Graph {
   public:
    Graph(Nodes nodes, std::vector<std::uint8_t> wanted, int levels)
        : nodes(std::move(nodes)), wanted(std::move(wanted)), levels(levels),
          outputs(this->wanted.size()) {
        extend();
    }

    Nodes nodes;
    std::vector<std::uint8_t> wanted;  ///< per output
    int levels;                        ///< that an output may have
    std::vector<Term> outputs;
    std::vector<std::int32_t> uses;    ///< per node
    std::vector<char> usable;          ///< per node: in use, or declared free
    std::vector<std::int32_t> released;  ///< inner nodes that lost their last use

    /// Make room for nodes that are new.
    void extend();
    void retain(int node);
    void release(int node);
    void set_output(std::size_t output, Term term) {
        if (outputs[output].node >= 0) {
            release(outputs[output].node);
        }
        outputs[output] = term;
        if (term.node >= 0) {
            retain(term.node);
        }
    }
    [[nodiscard]] Usable usable_from(int first_new) const noexcept { return {&usable, first_new}; }

    /// What the graph costs: the sum of its nodes, after the best fusion or with the best signs.
    [[nodiscard]] std::int64_t total();

    [[nodiscard]] Recipe recipe() const;

    /// Start again from a recipe; what is not used goes.
    void build(const Recipe& recipe);

   private:
    std::int64_t sum_ = 0;  ///< prices of the inner nodes in use
};

}  // namespace hgq2rtl::cmvm
