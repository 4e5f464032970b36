#include "cmvm_start.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "cmvm_digits.hpp"
#include "cmvm_graph.hpp"

namespace hgq2rtl::cmvm {

namespace {

/// `column - derivation of parent`, dense.
[[nodiscard]] std::vector<std::int64_t> rest_of(const Problem& problem, std::size_t column,
                                                Derivation derivation) {
    std::vector<std::int64_t> rest(problem.inputs.size());
    for (const auto& [input, value] : problem.columns[column]) {
        rest[static_cast<std::size_t>(input)] += value;
    }
    if (derivation.parent >= 0) {
        for (const auto& [input, value] :
             problem.columns[static_cast<std::size_t>(derivation.parent)]) {
            rest[static_cast<std::size_t>(input)] -=
                value * derivation.sign * (std::int64_t{1} << derivation.shift);
        }
    }
    return rest;
}

[[nodiscard]] int floor_log2(std::int64_t number) noexcept {
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(number))) - 1;
}

/// Kraft sum of the digits.
[[nodiscard]] std::int64_t kraft_of(const Problem& problem, std::span<const std::int64_t> rest) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        sum += digits_of(rest[i]) * kraft(problem.arrivals[i]);
    }
    return sum;
}

/// The cheapest of some trees for a row.
Term best_tree(Nodes& nodes, Trees& trees, const std::vector<Term>& terms, int levels,
               const Usable& usable, const StartOptions& options, Random& random) {
    const int size = nodes.size();
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    Random best_random = random;
    TreeOptions best_options = options.tree;
    const auto price = [&] {
        std::int64_t sum = 0;
        for (int n = size; n < nodes.size(); ++n) {
            sum += nodes[n].price;
        }
        return sum;
    };
    const int tries = terms.size() <= static_cast<std::size_t>(options.tree.exact) ? 0
                                                                                    : options.trees;
    for (int t = 0; t <= tries; ++t) {
        TreeOptions tree = options.tree;
        tree.noise = t == 0 ? 0 : options.noise * (1 + t % 3);
        tree.overlap = t == 0 ? tree.overlap : 0.1 * (t % 4);
        const Random before = random;
        trees.build(nodes, terms, levels, usable, tree, random);
        if (const auto sum = price(); sum < least) {
            least = sum;
            best_random = before;
            best_options = tree;
        }
        nodes.truncate(size);
    }
    return trees.build(nodes, terms, levels, usable, best_options, best_random);
}

}  // namespace

namespace {

/// Sums of columns that derive from each other, and the leaves that stand for the parents.
struct DerivedRows {
    std::vector<Row> rows;
    std::vector<int> levels;  ///< that each column may have, so that those from it have theirs
    std::vector<int> leaf;    ///< per column: the node that stands for it, or -1
};

/// Columns, those first that most derivations lie below.
[[nodiscard]] std::vector<std::size_t> deepest_first(std::span<const Derivation> derivations) {
    std::vector<int> rank(derivations.size());
    std::vector<std::size_t> order(derivations.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        order[k] = k;
        for (auto at = derivations[k].parent; at >= 0;
             at = derivations[static_cast<std::size_t>(at)].parent) {
            ++rank[k];
        }
    }
    std::ranges::stable_sort(order, std::greater{}, [&](std::size_t k) { return rank[k]; });
    return order;
}

[[nodiscard]] DerivedRows derived_rows(const Problem& problem, Nodes& nodes,
                                       std::span<const Derivation> derivations) {
    const std::size_t count = problem.columns.size();
    DerivedRows result{std::vector<Row>(count), std::vector<int>(count, problem.levels),
                       std::vector<int>(count, -1)};
    for (const auto k : deepest_first(derivations)) {
        const auto rest = rest_of(problem, k, derivations[k]);
        for (std::size_t i = 0; i < rest.size(); ++i) {
            add_digits(result.rows[k], static_cast<int>(i), rest[i]);
        }
        if (derivations[k].parent >= 0) {
            const auto room = kraft(result.levels[k]) - kraft_of(problem, rest);
            auto& level = result.levels[static_cast<std::size_t>(derivations[k].parent)];
            level = std::min(level, floor_log2(room));
        }
    }
    for (std::size_t k = 0; k < count; ++k) {
        if (const auto& from = derivations[k]; from.parent >= 0) {
            const auto parent = static_cast<std::size_t>(from.parent);
            if (result.leaf[parent] < 0) {
                result.leaf[parent] =
                    nodes.add_leaf(problem.columns[parent], result.levels[parent]);
            }
            result.rows[k].add({result.leaf[parent], from.shift, from.sign});
        }
        result.rows[k].measure(nodes, result.levels[k]);
    }
    return result;
}

}  // namespace

Recipe start(const Problem& problem, const Cost& cost, std::span<const Derivation> derivations,
             const StartOptions& options, std::uint64_t seed) {
    Nodes nodes(problem.inputs, problem.arrivals, cost);
    auto [rows, levels, leaf] = derived_rows(problem, nodes, derivations);
    // A column must not be made from its own name.
    std::vector<char> is_usable(static_cast<std::size_t>(nodes.size()));
    std::fill_n(is_usable.begin(), nodes.inputs(), 1);
    const Usable usable{&is_usable, nodes.size()};
    Greedy().run(nodes, rows, usable, options.greedy);
    Recipe recipe{nodes.inputs(), {}, {}};
    Trees trees;
    Random random(seed);
    for (std::size_t k = 0; k < rows.size(); ++k) {
        recipe.outputs.push_back(
            best_tree(nodes, trees, rows[k].terms, levels[k], usable, options, random));
    }
    for (int n = nodes.inputs(); n < nodes.size(); ++n) {
        recipe.sums.push_back({nodes[n].a, nodes[n].b});
    }
    for (std::size_t k = 0; k < rows.size(); ++k) {
        if (leaf[k] >= 0) {
            recipe.sums[static_cast<std::size_t>(leaf[k] - nodes.inputs())] = {recipe.outputs[k],
                                                                               Term{}};
        }
    }
    return recipe;
}

std::vector<Derivation> no_derivations(const Problem& problem) {
    return std::vector<Derivation>(problem.columns.size());
}

std::vector<Derivation> spanning_tree(const Problem& problem, int most_derived) {
    const std::size_t count = problem.columns.size();
    std::vector<Derivation> result(count);
    std::vector<std::int64_t> price(count), needed(count);
    std::vector<int> rank(count), depth(count);
    std::vector<char> is_done(count);
    std::vector<int> width(problem.inputs.size());
    for (std::size_t i = 0; i < width.size(); ++i) {
        width[i] = bit_width(problem.inputs[i].hi - problem.inputs[i].lo) + 2;
    }
    const auto price_of = [&](std::span<const std::int64_t> rest) {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < rest.size(); ++i) {
            sum += digits_of(rest[i]) * width[i];
        }
        return sum;
    };
    const auto depth_of = [](std::int64_t sum) {
        return sum <= 1 ? 0 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(sum - 1)));
    };
    std::vector<int> top(count);
    for (std::size_t k = 0; k < count; ++k) {
        const auto rest = rest_of(problem, k, {});
        price[k] = price_of(rest);
        needed[k] = kraft_of(problem, rest);
        Interval range;
        for (const auto& [input, value] : problem.columns[k]) {
            const auto& [lo, hi] = problem.inputs[static_cast<std::size_t>(input)];
            range.hi += (hi - lo) * (value < 0 ? -value : value);
        }
        top[k] = bit_width(range.hi);
    }
    for (std::size_t round = 0; round < count; ++round) {
        std::size_t next = count;
        for (std::size_t k = 0; k < count; ++k) {
            if (!is_done[k] && (next == count || price[k] < price[next])) {
                next = k;
            }
        }
        is_done[next] = 1;
        depth[next] = depth_of(needed[next]);
        if (rank[next] >= most_derived) {
            continue;
        }
        for (std::size_t k = 0; k < count; ++k) {
            if (is_done[k]) {
                continue;
            }
            for (std::int16_t shift = 0; shift <= 3; ++shift) {
                for (const std::int16_t sign : {1, -1}) {
                    const Derivation from{static_cast<std::int32_t>(next), shift, sign};
                    const auto rest = rest_of(problem, k, from);
                    const auto sum = price_of(rest) + top[next];
                    if (sum >= price[k]) {
                        continue;
                    }
                    const auto kraft_sum = kraft_of(problem, rest) + kraft(depth[next]);
                    if (depth_of(kraft_sum) <= problem.levels) {
                        price[k] = sum;
                        needed[k] = kraft_sum;
                        rank[k] = rank[next] + 1;
                        result[k] = from;
                    }
                }
            }
        }
    }
    return result;
}

}  // namespace hgq2rtl::cmvm
