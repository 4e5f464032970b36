#include "cmvm_fusion.hpp"

#include <algorithm>

namespace hgq2rtl::cmvm {

int price_of_three(const Cost& cost, Span a, Span b, Span c, int top) noexcept {
    int covered = 0, first = top;
    for (const auto& [x, y] : {std::pair{a, b}, std::pair{a, c}, std::pair{b, c}}) {
        const int overlap = overlap_bits(x, y);
        covered += overlap;
        first = overlap > 0 ? std::min(first, std::max(x.lsb, y.lsb)) : first;
    }
    if (covered == 0) {
        return 0;
    }
    const Span middle{std::max(a.lsb, b.lsb), std::min(a.top, b.top)};
    const int luts = covered - 2 * overlap_bits(middle, c) + 1;
    return lut * luts + cost.carry_position * std::max(0, top - first - luts);
}

std::int64_t Fusion::total(const Graph& graph) {
    const Nodes& nodes = graph.nodes;
    const auto own = [&](int x) {
        const auto i = static_cast<std::size_t>(x);
        return graph.uses[i] == 1 ? best_[i] : 0;
    };
    best_.assign(static_cast<std::size_t>(nodes.size()), 0);
    choice_.assign(static_cast<std::size_t>(nodes.size()), 0);
    std::int64_t total = 0;
    for (int n = nodes.inputs(); n < nodes.size(); ++n) {
        const auto i = static_cast<std::size_t>(n);
        if (graph.uses[i] == 0) {
            continue;
        }
        const Node& node = nodes[n];
        const std::int64_t inside = own(node.a.node) + own(node.b.node);
        best_[i] = node.price + inside;
        for (const char which : {1, 2}) {
            const Term joins = which == 1 ? node.a : node.b;
            const Term stays = which == 1 ? node.b : node.a;
            if (nodes.is_leaf(joins.node)
                || graph.uses[static_cast<std::size_t>(joins.node)] != 1) {
                continue;
            }
            const Node& inner = nodes[joins.node];
            const int price = price_of_three(
                nodes.cost(), row_span(nodes, inner.a.times(joins)),
                row_span(nodes, inner.b.times(joins)), row_span(nodes, stays), node.width);
            const std::int64_t fused =
                price + own(inner.a.node) + own(inner.b.node) + own(stays.node);
            if (fused < best_[i]) {
                best_[i] = fused;
                choice_[i] = which;
            }
        }
        total += best_[i] - inside;
    }
    return total;
}

std::vector<std::int32_t> Fusion::joined(const Graph& graph) const {
    const Nodes& nodes = graph.nodes;
    std::vector<std::int32_t> result;
    std::vector<char> is_joined(best_.size());
    for (int n = nodes.size() - 1; n >= nodes.inputs(); --n) {
        const auto i = static_cast<std::size_t>(n);
        if (graph.uses[i] > 0 && choice_[i] != 0 && !is_joined[i]) {
            const int inner = choice_[i] == 1 ? nodes[n].a.node : nodes[n].b.node;
            is_joined[static_cast<std::size_t>(inner)] = 1;
            result.push_back(inner);
        }
    }
    std::ranges::sort(result);
    return result;
}

}  // namespace hgq2rtl::cmvm
