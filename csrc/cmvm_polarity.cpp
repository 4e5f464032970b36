#include "cmvm_polarity.hpp"

namespace hgq2rtl::cmvm {

namespace {

/// Of an output that is a level too deep with its negation.
constexpr std::int64_t too_deep = std::int64_t{1} << 40;
/// Of a node that subtracts both operands: never chosen, since its negative adds both.
constexpr std::int64_t impossible = std::int64_t{1} << 56;

[[nodiscard]] Interval with_polarity(const Interval& interval, int polarity) noexcept {
    return polarity == 0 ? interval : Interval{-interval.hi, -interval.lo};
}

/// `node` with its own polarity and those of its operands.
[[nodiscard]] std::int64_t price(const Nodes& nodes, const Node& node, int polarity, int of_a,
                                 int of_b) {
    Term a = polarity != of_a ? -node.a : node.a;
    Term b = polarity != of_b ? -node.b : node.b;
    if (a.sign < 0 && b.sign < 0) {
        return impossible;
    }
    if (b.shift < a.shift || (a.shift == b.shift && a.sign < 0)) {
        std::swap(a, b);
        std::swap(of_a, of_b);
    }
    // The lower operand is `a`.
    const auto range = with_polarity(nodes[a.node].interval, of_a);
    const Span lower{a.shift, a.shift + nodes[a.node].bits[static_cast<std::size_t>(of_a)]};
    const Span higher{b.shift, b.shift + nodes[b.node].bits[static_cast<std::size_t>(of_b)]};
    const bool is_concatenation = a.shift < b.shift && a.sign > 0 && b.sign > 0 && range.lo >= 0
                                  && lower.top <= higher.lsb;
    return Cost::of_adder(lower, higher, node.bits[static_cast<std::size_t>(polarity)],
                          a.sign < 0, is_concatenation);
}

}  // namespace

std::int64_t Polarities::negations(const Graph& graph, int n, int polarity) const {
    const Node& node = graph.nodes[n];
    const auto other = polarity == 0 ? wants_minus : wants_plus;
    if ((wanted_[static_cast<std::size_t>(n)] & other) == 0) {
        return 0;
    }
    const int bits = node.bits[static_cast<std::size_t>(1 - polarity)];
    const bool is_too_deep = node.depth >= graph.levels && !graph.nodes.is_leaf(n);
    return std::int64_t{lut} * std::max(1, bits) + (is_too_deep ? too_deep : 0);
}

void Polarities::choose(const Graph& graph, int n) {
    const Nodes& nodes = graph.nodes;
    const Node& node = nodes[n];
    auto& choice = choices_[static_cast<std::size_t>(n)];
    const Choice& a = choices_[static_cast<std::size_t>(node.a.node)];
    const Choice& b = choices_[static_cast<std::size_t>(node.b.node)];
    for (int polarity = 0; polarity < 2; ++polarity) {
        auto& best = choice.best[static_cast<std::size_t>(polarity)];
        best = 2 * impossible;
        for (int of_a = a.is_alone ? 0 : a.fixed; of_a <= (a.is_alone ? 1 : a.fixed); ++of_a) {
            for (int of_b = b.is_alone ? 0 : b.fixed; of_b <= (b.is_alone ? 1 : b.fixed); ++of_b) {
                const auto total = std::min(
                    impossible, price(nodes, node, polarity, of_a, of_b)
                                    + (a.is_alone ? a.best[static_cast<std::size_t>(of_a)] : 0)
                                    + (b.is_alone ? b.best[static_cast<std::size_t>(of_b)] : 0));
                if (total < best) {
                    best = total;
                    choice.operands[static_cast<std::size_t>(polarity)] = {
                        static_cast<char>(of_a), static_cast<char>(of_b)};
                }
            }
        }
    }
}

std::int64_t Polarities::total(const Graph& graph) {
    const Nodes& nodes = graph.nodes;
    const auto size = static_cast<std::size_t>(nodes.size());
    choices_.assign(size, {});
    wanted_.assign(size, 0);
    for (std::size_t k = 0; k < graph.outputs.size(); ++k) {
        const Term& output = graph.outputs[k];
        if (output.node >= 0) {
            const auto wanted = graph.wanted[k];
            const bool is_swapped = output.sign < 0;
            wanted_[static_cast<std::size_t>(output.node)] |=
                is_swapped ? static_cast<std::uint8_t>((wanted >> 1) | ((wanted & 1) << 1))
                           : wanted;
        }
    }
    std::int64_t total = 0;
    for (int n = 0; n < nodes.size(); ++n) {
        const auto i = static_cast<std::size_t>(n);
        if (nodes.is_leaf(n)) {
            total += negations(graph, n, 0);
            continue;
        }
        if (graph.uses[i] == 0) {
            continue;
        }
        choose(graph, n);
        auto& choice = choices_[i];
        choice.is_alone = graph.uses[i] == 1 && wanted_[i] == 0;
        if (!choice.is_alone) {
            const auto plus = choice.best[0] + negations(graph, n, 0);
            const auto minus = choice.best[1] + negations(graph, n, 1);
            choice.fixed = minus < plus;
            total += std::min(plus, minus);
        }
    }
    return total;
}

std::vector<char> Polarities::chosen(const Graph& graph) const {
    const Nodes& nodes = graph.nodes;
    std::vector<char> result(choices_.size());
    for (int n = nodes.size() - 1; n >= nodes.inputs(); --n) {
        const auto i = static_cast<std::size_t>(n);
        if (graph.uses[i] == 0) {
            continue;
        }
        const Choice& choice = choices_[i];
        const char polarity = choice.is_alone ? result[i] : choice.fixed;
        result[i] = polarity;
        const auto& operands = choice.operands[static_cast<std::size_t>(polarity)];
        result[static_cast<std::size_t>(nodes[n].a.node)] = operands[0];
        result[static_cast<std::size_t>(nodes[n].b.node)] = operands[1];
    }
    return result;
}

}  // namespace hgq2rtl::cmvm
