#include "cmvm.hpp"

#include <algorithm>
#include <limits>

#include "cmvm_fusion.hpp"
#include "cmvm_graph.hpp"
#include "cmvm_polarity.hpp"
#include "cmvm_search.hpp"
#include "cmvm_start.hpp"

namespace hgq2rtl::cmvm {

namespace {

/// Nodes of the solution are not shifted down to an odd coefficient: their zeros, per node.
class Export {
   public:
    explicit Export(const Graph& graph) : graph_(graph), place_(
        static_cast<std::size_t>(graph.nodes.size())) {}

    void add_nodes(Solution& solution, std::span<const char> polarity) {
        const Nodes& nodes = graph_.nodes;
        for (int n = 0; n < nodes.size(); ++n) {
            auto& place = place_[static_cast<std::size_t>(n)];
            place.sign = polarity.empty() || polarity[static_cast<std::size_t>(n)] == 0 ? 1 : -1;
            place.number = n;
            if (nodes.is_leaf(n)) {
                continue;
            }
            place.number = nodes.inputs() + static_cast<int>(solution.nodes.size());
            const Term &a = nodes[n].a, &b = nodes[n].b;
            const Place &pa = place_of(a), &pb = place_of(b);
            const int shift_a = a.shift - pa.zeros, shift_b = b.shift - pb.zeros;
            const int base = std::min(shift_a, shift_b);
            place.zeros = -base;
            solution.nodes.push_back({pa.number, shift_a - base, a.sign * pa.sign * place.sign,
                                      pb.number, shift_b - base, b.sign * pb.sign * place.sign});
        }
    }
    [[nodiscard]] std::array<int, 3> output(Term term) const {
        const Place& place = place_of(term);
        return {place.number, term.shift - place.zeros, term.sign * place.sign};
    }
    [[nodiscard]] int number(int n) const { return place_[static_cast<std::size_t>(n)].number; }

   private:
    struct Place {
        int number = 0, zeros = 0, sign = 1;
    };
    [[nodiscard]] const Place& place_of(Term term) const {
        return place_[static_cast<std::size_t>(term.node)];
    }
    const Graph& graph_;
    std::vector<Place> place_;
};

[[nodiscard]] Solution exported(const Problem& problem, Graph& graph) {
    Solution solution;
    Export nodes(graph);
    const Cost& cost = graph.nodes.cost();
    std::vector<char> polarity;
    if (cost.is_signed) {
        Polarities polarities;
        polarities.total(graph);
        polarity = polarities.chosen(graph);
    }
    nodes.add_nodes(solution, polarity);
    if (cost.fuses && !cost.is_signed) {
        Fusion fusion;
        fusion.total(graph);
        for (const int n : fusion.joined(graph)) {
            solution.fused.push_back(nodes.number(n));
        }
    }
    for (const auto& output : problem.outputs) {
        if (output.node < 0) {
            solution.outputs.push_back({-1, 0, 1});
        } else {
            const Term column = graph.outputs[static_cast<std::size_t>(output.node)];
            solution.outputs.push_back(nodes.output(column.times(output)));
        }
    }
    solution.total = graph.total();
    return solution;
}

/// From this number of columns on, and in searches of few steps, what columns share is better
/// found by deriving them from each other; else the search finds it, and starts from the plain
/// graph: outputs that serve as sources would pin each other.
constexpr std::size_t many_columns = 48;
constexpr std::int64_t few_steps = 20;  ///< per column

/// The cheapest graph so far.
struct Best {
    Recipe recipe;
    std::int64_t total = std::numeric_limits<std::int64_t>::max();

    void take(Graph& graph) {
        if (const auto found = graph.total(); found < total) {
            total = found;
            recipe = graph.recipe();
        }
    }
};

}  // namespace

Solution solve(const Problem& problem, const Cost& cost, const Effort& effort,
               const std::function<bool()>& asked) {
    bool is_stopped = false;
    const auto should_stop = [&] { return is_stopped = is_stopped || (asked && asked()); };
    Graph graph(Nodes(problem.inputs, problem.arrivals, cost), problem.wanted, problem.levels);
    StartOptions options;
    options.trees = effort.trees;
    Best best;
    graph.build(start(problem, cost, no_derivations(problem), options, effort.seed));
    best.take(graph);
    const auto columns = static_cast<std::int64_t>(problem.columns.size());
    const bool derives = problem.columns.size() >= many_columns
                         || effort.steps * effort.runs < few_steps * columns;
    if (effort.has_spanning_trees && derives) {
        for (const int most_derived : {1, 2, 3, 5, 99}) {
            if (should_stop()) {
                break;
            }
            const auto derivations = spanning_tree(problem, most_derived);
            graph.build(start(problem, cost, derivations, options, effort.seed));
            best.take(graph);
        }
    }
    const Recipe first = best.recipe;
    for (int run = 0; run < effort.runs && effort.steps > 0 && !is_stopped; ++run) {
        graph.build(first);
        const auto seed = effort.seed + static_cast<std::uint64_t>(run);
        Search search(problem, graph, {.steps = effort.steps}, seed);
        graph.build(search.run(should_stop));
        best.take(graph);
    }
    graph.build(best.recipe);
    return exported(problem, graph);
}

}  // namespace hgq2rtl::cmvm
