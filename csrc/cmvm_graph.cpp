#include "cmvm_graph.hpp"

#include "cmvm_fusion.hpp"
#include "cmvm_polarity.hpp"

namespace hgq2rtl::cmvm {

void Graph::extend() {
    const auto size = static_cast<std::size_t>(nodes.size());
    const auto old = uses.size();
    uses.resize(size, 0);
    usable.resize(size, 0);
    std::fill(usable.begin() + static_cast<std::ptrdiff_t>(old),
              usable.begin() + std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(old),
                                                        nodes.inputs()),
              1);
}

void Graph::retain(int n) {
    const auto i = static_cast<std::size_t>(n);
    if (uses[i]++ == 0 && !nodes.is_leaf(n)) {
        usable[i] = 1;
        sum_ += nodes[n].price;
        retain(nodes[n].a.node);
        retain(nodes[n].b.node);
    }
}

void Graph::release(int n) {
    const auto i = static_cast<std::size_t>(n);
    if (--uses[i] == 0 && !nodes.is_leaf(n)) {
        usable[i] = 0;
        released.push_back(n);
        sum_ -= nodes[n].price;
        release(nodes[n].a.node);
        release(nodes[n].b.node);
    }
}

std::int64_t Graph::total() {
    const Cost& cost = nodes.cost();
    if (cost.is_signed) {
        return Polarities().total(*this);
    }
    return cost.fuses ? Fusion().total(*this) : sum_;
}

Recipe Graph::recipe() const {
    Recipe recipe{nodes.inputs(), {}, outputs};
    for (int n = nodes.inputs(); n < nodes.size(); ++n) {
        recipe.sums.push_back({nodes[n].a, nodes[n].b});
    }
    return recipe;
}

void Graph::build(const Recipe& recipe) {
    for (std::size_t k = 0; k < outputs.size(); ++k) {
        set_output(k, {});
    }
    nodes.truncate(nodes.inputs());
    const auto terms = add_to(nodes, recipe);
    uses.resize(static_cast<std::size_t>(nodes.inputs()));
    usable.resize(uses.size());
    extend();
    for (std::size_t k = 0; k < outputs.size(); ++k) {
        set_output(k, terms[k]);
    }
    released.clear();
}

}  // namespace hgq2rtl::cmvm
