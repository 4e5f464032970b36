// The solver for Python: converts, and decides nothing.

#include "cmvm_binding.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <chrono>

#include "cmvm.hpp"
#include "cmvm_digits.hpp"
#include "cmvm_greedy.hpp"

namespace nb = nanobind;

namespace hgq2rtl::cmvm {

namespace {

using Matrix = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

using Pairs64 = std::vector<std::pair<std::int64_t, std::int64_t>>;

std::vector<Interval> intervals_of(const Pairs64& pairs) {
    std::vector<Interval> intervals;
    for (const auto& [lo, hi] : pairs) {
        intervals.push_back({lo, hi});
    }
    return intervals;
}

/// Ask Python every few milliseconds; an exception there stops the search and is raised.
class Poll {
   public:
    explicit Poll(nb::object asked) : asked_(std::move(asked)) {}

    bool operator()() {
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < std::chrono::milliseconds(5)) {
            return false;
        }
        last_ = now;
        const nb::gil_scoped_acquire acquire;
        return nb::cast<bool>(asked_());
    }

   private:
    nb::object asked_;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

nb::tuple solve_block(const Matrix& matrix, const Pairs64& inputs,
                      const std::vector<int>& arrivals, int levels, bool is_signed,
                      int carry_position, bool fuses, int trees, bool has_spanning_trees,
                      std::int64_t steps, int runs, std::uint64_t seed, nb::object should_stop) {
    const auto intervals = intervals_of(inputs);
    Solution solution;
    {
        std::function<bool()> poll;
        if (!should_stop.is_none()) {
            poll = Poll(should_stop);
        }
        const nb::gil_scoped_release release;
        const Problem problem({matrix.data(), matrix.size()}, intervals, arrivals, levels);
        const Cost cost{is_signed, carry_position, fuses};
        solution = solve(problem, cost, {trees, has_spanning_trees, steps, runs, seed}, poll);
    }
    return nb::make_tuple(solution.nodes, solution.outputs, solution.fused, solution.total);
}

/// Nodes (a, shift_a, sign_a, b, shift_b, sign_b), and per column the terms that are left.
nb::tuple share(const Matrix& matrix, const Pairs64& inputs, const std::vector<int>& arrivals,
                int levels, int carry_position) {
    const Problem problem({matrix.data(), matrix.size()}, intervals_of(inputs), arrivals, levels);
    const Cost cost{.carry_position = carry_position};
    Nodes nodes(problem.inputs, problem.arrivals, cost);
    std::vector<Row> rows(problem.columns.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
        for (const auto& [input, value] : problem.columns[k]) {
            add_digits(rows[k], input, value);
        }
        rows[k].measure(nodes, levels);
    }
    Greedy().run(nodes, rows, {}, {});
    std::vector<std::array<int, 6>> sums;
    for (int n = nodes.inputs(); n < nodes.size(); ++n) {
        const auto& [a, b] = std::pair{nodes[n].a, nodes[n].b};
        sums.push_back({a.node, a.shift, a.sign, b.node, b.shift, b.sign});
    }
    std::vector<std::vector<std::array<int, 3>>> left;
    for (const auto& row : rows) {
        left.emplace_back();
        for (const auto& term : row.terms) {
            left.back().push_back({term.node, term.shift, term.sign});
        }
    }
    return nb::make_tuple(sums, left);
}

}  // namespace

void bind(nb::module_& m) {
    m.attr("LUT") = lut;
    m.attr("MOST_LEVELS") = most_levels;
    m.attr("COEFFICIENT_BITS") = coefficient_bits;
    m.def("solve_cmvm", &solve_block, nb::arg("matrix"), nb::arg("inputs"), nb::arg("arrivals"),
          nb::arg("levels"), nb::arg("is_signed"), nb::arg("carry_position"), nb::arg("fuses"),
          nb::arg("trees"), nb::arg("has_spanning_trees"), nb::arg("steps"), nb::arg("runs"),
          nb::arg("seed"), nb::arg("should_stop").none(),
          "Nodes, outputs, fused nodes and the price of a graph; see hgq2rtl.cmvm.solver.");
    m.def("share_cmvm", &share, nb::arg("matrix"), nb::arg("inputs"), nb::arg("arrivals"),
          nb::arg("levels"), nb::arg("carry_position"),
          "Greedy sharing alone: nodes in the order of their choice, and the terms that are left "
          "of each column.");
}

}  // namespace hgq2rtl::cmvm
