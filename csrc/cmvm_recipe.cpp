#include "cmvm_recipe.hpp"

#include <algorithm>
#include <limits>

#include "cmvm_rows.hpp"

namespace hgq2rtl::cmvm {

namespace {

/// Depths of the sums that are needed, -1 for the others; recursion ends after most_levels.
class Depths {
   public:
    Depths(const Nodes& nodes, const Recipe& recipe)
        : nodes_(nodes), recipe_(recipe), depth_(recipe.sums.size(), -1) {}

    int of(Term term) {
        if (term.node < 0) {
            return 0;
        }
        if (term.node < recipe_.inputs) {
            return nodes_[term.node].depth;
        }
        const auto n = static_cast<std::size_t>(term.node - recipe_.inputs);
        if (depth_[n] < 0) {
            const auto& [a, b] = recipe_.sums[n];
            depth_[n] = b.node < 0 ? of(a) : std::max(of(a), of(b)) + 1;
        }
        return depth_[n];
    }
    [[nodiscard]] int known(std::size_t n) const noexcept { return depth_[n]; }

   private:
    const Nodes& nodes_;
    const Recipe& recipe_;
    std::vector<int> depth_;
};

}  // namespace

std::vector<Term> add_to(Nodes& nodes, const Recipe& recipe) {
    Depths depths(nodes, recipe);
    for (const auto& output : recipe.outputs) {
        depths.of(output);
    }
    std::vector<std::int32_t> order;
    for (std::size_t n = 0; n < recipe.sums.size(); ++n) {
        if (depths.known(n) >= 0 && recipe.sums[n][1].node >= 0) {
            order.push_back(static_cast<std::int32_t>(n));
        }
    }
    std::ranges::stable_sort(order, {}, [&](std::int32_t n) {
        return depths.known(static_cast<std::size_t>(n));
    });
    std::vector<Term> built(recipe.sums.size());
    const auto term_of = [&](Term term) {
        while (term.node >= recipe.inputs) {
            const auto n = static_cast<std::size_t>(term.node - recipe.inputs);
            if (recipe.sums[n][1].node >= 0) {
                return built[n].node < 0 ? Term{} : built[n].times(term);
            }
            term = recipe.sums[n][0].times(term);
        }
        return term;
    };
    const int deepest = std::numeric_limits<int>::max();
    for (const auto n : order) {
        const auto& [a, b] = recipe.sums[static_cast<std::size_t>(n)];
        built[static_cast<std::size_t>(n)] = nodes.sum(term_of(a), term_of(b), deepest, Usable{});
    }
    std::vector<Term> outputs;
    for (const auto& output : recipe.outputs) {
        outputs.push_back(output.node < 0 ? Term{} : term_of(output));
    }
    return outputs;
}

}  // namespace hgq2rtl::cmvm
