#include "cmvm_search.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "cmvm_digits.hpp"

namespace hgq2rtl::cmvm {

// ---- matching

namespace {

/// Gains are integers in parts of a bit.
constexpr int unit = 16;

}  // namespace

void Matcher::measure(const Graph& graph, int n, const std::vector<std::int64_t>& rest) {
    places_.clear();
    most_ = -(unit * graph.nodes[n].width + kappa_);
    for (const auto& [input, value] : graph.nodes.form(n)) {
        const auto i = static_cast<std::size_t>(input);
        // No more digits go than the node has there, so that some are sure to stay.
        const int digits = digits_of(rest[i]), most = std::min(digits, digits_of(value));
        places_.push_back({rest[i], value, price_[i], digits - most});
        most_ += price_[i] * most;
    }
}

int Matcher::gain(int shift, int sign) const noexcept {
    const std::int64_t scale = std::int64_t{sign} << shift;
    int gain = most_;
    for (const auto& place : places_) {
        gain -= place.price * (digits_of(place.rest - scale * place.value) - place.least);
        if (gain <= 0) {
            break;
        }
    }
    return gain;
}

void Matcher::collect(const Graph& graph, const std::vector<std::int64_t>& rest) {
    const Nodes& nodes = graph.nodes;
    candidates_.clear();
    std::uint64_t support = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        support |= rest[i] != 0 ? std::uint64_t{1} << (i % 64) : 0;
    }
    for (int n = nodes.inputs(); n < nodes.size(); ++n) {
        if (graph.usable[static_cast<std::size_t>(n)] == 0
            || (nodes[n].support & support) == 0) {
            continue;
        }
        measure(graph, n, rest);
        if (most_ <= 0) {
            continue;
        }
        int lowest = 64, highest = -1;
        for (const auto& place : places_) {
            if (place.rest != 0) {
                const auto size = static_cast<std::uint64_t>(std::abs(place.rest));
                const auto of_node = static_cast<std::uint64_t>(std::abs(place.value));
                lowest = std::min(lowest, std::countr_zero(size) - std::countr_zero(of_node));
                highest = std::max(highest, static_cast<int>(std::bit_width(size))
                                                - static_cast<int>(std::bit_width(of_node)) + 1);
            }
        }
        highest = std::min(highest, coefficient_bits - nodes[n].size);
        for (int shift = std::max(0, lowest); shift <= highest; ++shift) {
            for (const std::int16_t sign : {1, -1}) {
                if (const int found = gain(shift, sign); found > 0) {
                    candidates_.push_back({{n, static_cast<std::int16_t>(shift), sign}, found});
                }
            }
        }
    }
}

void Matcher::run(const Graph& graph, const Problem& problem, std::vector<std::int64_t>& rest,
                  Row& row, const SearchOptions& options, Random& random) {
    const Nodes& nodes = graph.nodes;
    kappa_ = static_cast<int>(unit * options.kappa);
    price_.resize(rest.size());
    for (std::size_t i = 0; i < rest.size(); ++i) {
        price_[i] = unit * nodes[static_cast<int>(i)].width + kappa_;
    }
    collect(graph, rest);
    while (!candidates_.empty()) {
        std::size_t best = candidates_.size();
        double most = 0;
        for (std::size_t c = 0; c < candidates_.size(); ++c) {
            const double factor = 1 + options.noise * (2 * random.uniform() - 1);
            const double noisy = static_cast<double>(candidates_[c].gain) * factor;
            if (noisy > most) {
                most = noisy;
                best = c;
            }
        }
        if (best == candidates_.size()) {
            break;
        }
        const Term term = candidates_[best].term;
        const std::int64_t scale = std::int64_t{term.sign} << term.shift;
        std::int64_t freed = -kraft(nodes[term.node].depth);
        for (const auto& [input, value] : nodes.form(term.node)) {
            const auto i = static_cast<std::size_t>(input);
            freed += (digits_of(rest[i]) - digits_of(rest[i] - scale * value))
                     * kraft(problem.arrivals[i]);
        }
        if (row.room + freed >= 0) {
            row.room += freed;
            row.add(term);
            for (const auto& [input, value] : nodes.form(term.node)) {
                rest[static_cast<std::size_t>(input)] -= scale * value;
            }
        } else {
            candidates_[best] = candidates_.back();
            candidates_.pop_back();
            continue;
        }
        const std::uint64_t changed = nodes[term.node].support;
        std::erase_if(candidates_, [&](Candidate& candidate) {
            if ((nodes[candidate.term.node].support & changed) == 0) {
                return false;
            }
            measure(graph, candidate.term.node, rest);
            candidate.gain = most_ > 0 ? gain(candidate.term.shift, candidate.term.sign) : 0;
            return candidate.gain <= 0;
        });
    }
}

// ---- search

Search::Search(const Problem& problem, Graph& graph, const SearchOptions& options,
               std::uint64_t seed)
    : problem_(problem), graph_(graph), options_(options), random_(seed),
      rest_(problem.inputs.size()) {
    for (std::size_t k = 0; k < problem.columns.size(); ++k) {
        const auto& column = problem.columns[k];
        if (column.size() > 1 || digits_of(column[0].value) > 1) {
            candidates_.push_back(static_cast<int>(k));
        }
    }
    total_ = best_total_ = graph.total();
    best_ = graph.recipe();
}

double Search::first_temperature() const {
    int live = 1;
    for (int n = graph_.nodes.inputs(); n < graph_.nodes.size(); ++n) {
        live += graph_.uses[static_cast<std::size_t>(n)] > 0;
    }
    // The more steps an output gets, the more of the way up pays: the price of a whole node at
    // 450 steps, measured.
    const double each =
        static_cast<double>(options_.steps) / static_cast<double>(candidates_.size());
    return std::min(1.0, 0.25 + each / 600) * static_cast<double>(total_) / live;
}

Recipe Search::run(const std::function<bool()>& should_stop) {
    if (candidates_.empty()) {
        return best_;
    }
    const double hottest = first_temperature();
    int size = graph_.nodes.size();
    for (std::int64_t s = 0; s < options_.steps; ++s) {
        if (should_stop && (s & 15) == 15 && should_stop()) {
            break;
        }
        const double left = 1 - static_cast<double>(s) / static_cast<double>(options_.steps);
        step(hottest * left);
        if (graph_.nodes.size() > 2 * size + 64) {
            graph_.build(graph_.recipe());
            total_ = graph_.total();
            size = graph_.nodes.size();
        }
    }
    return best_;
}

std::vector<int> Search::outputs_above(int node) const {
    std::vector<char> is_above(static_cast<std::size_t>(graph_.nodes.size()));
    is_above[static_cast<std::size_t>(node)] = 1;
    for (int n = node + 1; n < graph_.nodes.size(); ++n) {
        const auto& [a, b] = std::pair{graph_.nodes[n].a.node, graph_.nodes[n].b.node};
        is_above[static_cast<std::size_t>(n)] |= is_above[static_cast<std::size_t>(a)]
                                                 | is_above[static_cast<std::size_t>(b)];
    }
    std::vector<int> above;
    for (const int k : candidates_) {
        if (is_above[static_cast<std::size_t>(graph_.outputs[static_cast<std::size_t>(k)].node)]) {
            above.push_back(k);
        }
    }
    return above;
}

void Search::choose_outputs() {
    const int count = 1 + random_.below(std::min(options_.outputs,
                                                 static_cast<int>(candidates_.size())));
    std::vector<int> from;
    const int inputs = graph_.nodes.inputs(), inner = graph_.nodes.size() - inputs;
    if (inner > 0 && (random_.next() & 1) != 0) {
        int node = -1;
        for (int tries = 0; tries < 20 && node < 0; ++tries) {
            const int n = inputs + random_.below(inner);
            node = graph_.uses[static_cast<std::size_t>(n)] > 0 ? n : -1;
        }
        if (node >= 0) {
            from = outputs_above(node);
        }
    }
    if (from.empty()) {
        from = candidates_;
    }
    chosen_.clear();
    for (int i = 0; i < count && !from.empty(); ++i) {
        const auto at = static_cast<std::size_t>(random_.below(static_cast<int>(from.size())));
        chosen_.push_back(from[at]);
        from[at] = from.back();
        from.pop_back();
    }
}

void Search::free_shared_nodes(double share) {
    readers_.resize(static_cast<std::size_t>(graph_.nodes.size()), 0);
    for (const auto& output : old_) {
        ++readers_[static_cast<std::size_t>(output.node)];
    }
    for (const int n : graph_.released) {
        ++readers_[static_cast<std::size_t>(graph_.nodes[n].a.node)];
        ++readers_[static_cast<std::size_t>(graph_.nodes[n].b.node)];
    }
    for (const int n : graph_.released) {
        if (readers_[static_cast<std::size_t>(n)] > 1 && random_.uniform() < share) {
            graph_.usable[static_cast<std::size_t>(n)] = 1;
        }
    }
    for (const auto& output : old_) {
        readers_[static_cast<std::size_t>(output.node)] = 0;
    }
    for (const int n : graph_.released) {
        readers_[static_cast<std::size_t>(graph_.nodes[n].a.node)] = 0;
        readers_[static_cast<std::size_t>(graph_.nodes[n].b.node)] = 0;
    }
}

void Search::expand(Row& row, Term term) const {
    if (graph_.usable[static_cast<std::size_t>(term.node)] != 0) {
        row.add(term);
        return;
    }
    const auto& node = graph_.nodes[term.node];
    const Term a = node.a.times(term), b = node.b.times(term);
    if (a.shift >= 0 && b.shift >= 0) {
        expand(row, a);
        expand(row, b);
        return;
    }
    // Only together are they whole, as in (x + y) >> 1.
    for (const auto& [input, value] : graph_.nodes.form(term.node)) {
        add_digits(row, input, value * term.sign * (std::int64_t{1} << term.shift));
    }
}

bool Search::prepare(Row& row, Term output, double share) {
    Row all;
    expand(all, output);
    row.terms.clear();
    std::ranges::fill(rest_, 0);
    for (const auto& term : all.terms) {
        if (random_.uniform() < share) {
            row.terms.push_back(term);
            continue;
        }
        for (const auto& [input, value] : graph_.nodes.form(term.node)) {
            rest_[static_cast<std::size_t>(input)] +=
                value * term.sign * (std::int64_t{1} << term.shift);
        }
    }
    row.measure(graph_.nodes, graph_.levels);
    for (std::size_t i = 0; i < rest_.size(); ++i) {
        row.room -= digits_of(rest_[i]) * kraft(problem_.arrivals[i]);
    }
    matcher_.run(graph_, problem_, rest_, row, options_, random_);
    const bool is_canonical = (random_.next() & 1) != 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
        if (rest_[i] != 0) {
            if (is_canonical) {
                add_digits(row, static_cast<int>(i), rest_[i]);
            } else {
                add_random_digits(row, static_cast<int>(i), rest_[i], random_);
            }
        }
    }
    row.measure(graph_.nodes, graph_.levels);
    return row.room >= 0;
}

void Search::restore(int first_new) {
    for (const int k : chosen_) {
        graph_.set_output(static_cast<std::size_t>(k), {});
    }
    graph_.nodes.truncate(first_new);
    graph_.uses.resize(static_cast<std::size_t>(first_new));
    graph_.usable.resize(static_cast<std::size_t>(first_new));
    for (std::size_t c = 0; c < chosen_.size(); ++c) {
        graph_.set_output(static_cast<std::size_t>(chosen_[c]), old_[c]);
    }
}

void Search::step(double temperature) {
    const int first_new = graph_.nodes.size();
    choose_outputs();
    graph_.released.clear();
    old_.clear();
    for (const int k : chosen_) {
        old_.push_back(graph_.outputs[static_cast<std::size_t>(k)]);
        graph_.set_output(static_cast<std::size_t>(k), {});
    }
    const double share = 0.2 + 0.75 * random_.uniform();
    free_shared_nodes(share);
    rows_.resize(chosen_.size());
    bool is_legal = true;
    for (std::size_t c = 0; c < chosen_.size() && is_legal; ++c) {
        is_legal = prepare(rows_[c], old_[c], share);
    }
    std::int64_t total = 0;
    if (is_legal) {
        const Usable usable = graph_.usable_from(first_new);
        greedy_.run(graph_.nodes, rows_, usable, {options_.noise, random_.next(), true});
        for (std::size_t c = 0; c < chosen_.size(); ++c) {
            const Term output = trees_.build(graph_.nodes, rows_[c].terms, graph_.levels, usable,
                                             options_.tree, random_);
            graph_.extend();
            graph_.set_output(static_cast<std::size_t>(chosen_[c]), output);
        }
        graph_.extend();
        total = graph_.total();
    }
    const double limit = static_cast<double>(total_) + temperature * random_.exponential();
    if (!is_legal || static_cast<double>(total) > limit) {
        restore(first_new);
        return;
    }
    ++accepted;
    for (const int n : graph_.released) {
        graph_.usable[static_cast<std::size_t>(n)] = graph_.uses[static_cast<std::size_t>(n)] > 0;
    }
    total_ = total;
    if (total < best_total_) {
        best_total_ = total;
        best_ = graph_.recipe();
    }
}

}  // namespace hgq2rtl::cmvm
