#pragma once
// Large-neighbourhood search: rip up parts of a few outputs and solve them again, with every
// node that lives as a source, under a falling temperature.

#include <cstdint>
#include <functional>
#include <vector>

#include "cmvm_greedy.hpp"
#include "cmvm_graph.hpp"
#include "cmvm_problem.hpp"
#include "cmvm_trees.hpp"

namespace hgq2rtl::cmvm {

struct SearchOptions {
    std::int64_t steps = 0;
    int outputs = 4;          ///< ripped up in one step, at most
    double kappa = 1;         ///< bits that a digit or a node costs beside its width
    double noise = 0.3;       ///< of scores, as a share
    TreeOptions tree{.noise = 0.3, .exact = 7};
};

/// Columns matched with nodes: which multiple of which node leaves the fewest digits.
class Matcher {
   public:
    /// Subtract nodes from `rest` while that pays, and add them to the row.
    void run(const Graph& graph, const Problem& problem, std::vector<std::int64_t>& rest, Row& row,
             const SearchOptions& options, Random& random);

   private:
    struct Candidate {
        Term term;
        int gain;
    };
    /// A coefficient of the rest against that of a node.
    struct Place {
        std::int64_t rest, value;
        int price;  ///< of a digit
        int least;  ///< digits that stay at least
    };
    void measure(const Graph& graph, int node, const std::vector<std::int64_t>& rest);
    [[nodiscard]] int gain(int shift, int sign) const noexcept;
    void collect(const Graph& graph, const std::vector<std::int64_t>& rest);

    std::vector<int> price_;      ///< of a digit, per input
    int kappa_ = 0;
    int most_ = 0;                ///< that the node in hand can gain
    std::vector<Place> places_;   ///< of the node in hand
    std::vector<Candidate> candidates_;
};

class Search {
   public:
    /// `should_stop` is asked now and then.
    Search(const Problem& problem, Graph& graph, const SearchOptions& options, std::uint64_t seed);

    /// The best graph that was met.
    [[nodiscard]] Recipe run(const std::function<bool()>& should_stop);

    std::int64_t accepted = 0;

   private:
    [[nodiscard]] double first_temperature() const;
    void step(double temperature);
    void choose_outputs();
    [[nodiscard]] std::vector<int> outputs_above(int node) const;
    void free_shared_nodes(double share);
    void expand(Row& row, Term term) const;
    [[nodiscard]] bool prepare(Row& row, Term output, double share);
    void restore(int first_new);

    const Problem& problem_;
    Graph& graph_;
    SearchOptions options_;
    Random random_;
    Greedy greedy_;
    Trees trees_;
    Matcher matcher_;
    std::vector<int> candidates_;       ///< outputs that are sums
    std::vector<int> chosen_;
    std::vector<Term> old_;
    std::vector<Row> rows_;
    std::vector<std::int64_t> rest_;
    std::vector<std::int32_t> readers_;  ///< scratch, per node
    std::int64_t total_ = 0, best_total_ = 0;
    Recipe best_;
};

}  // namespace hgq2rtl::cmvm
