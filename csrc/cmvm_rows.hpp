#pragma once
// Sums on their way into additions: one per output, within a budget of adder levels.

#include <cstdint>
#include <span>
#include <vector>

#include "cmvm_nodes.hpp"

namespace hgq2rtl::cmvm {

/// Levels that fit the Kraft sums of a row.
inline constexpr int most_levels = 40;

/// Terms of depths d can be summed within `levels` iff the sum of 2**d is at most 2**levels.
[[nodiscard]] constexpr std::int64_t kraft(int depth) noexcept { return std::int64_t{1} << depth; }

/// A sum of terms, ordered by node and shift, no two of which add up for nothing.
struct Row {
    std::vector<Term> terms;
    std::int64_t room = 0;  ///< what the Kraft sum may still grow by

    /// Add a term; those that meet their like cancel or move up.
    void add(Term term);
    void remove(std::size_t position) {
        terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(position));
    }
    /// The terms of `node`.
    [[nodiscard]] std::span<const Term> of(int node) const noexcept;
    /// Position of a term with this node and shift; -1 if there is none.
    [[nodiscard]] int position(int node, int shift) const noexcept;
    /// Set the room from the depths of the terms.
    void measure(const Nodes& nodes, int levels);
};

/// Which of the known nodes cost nothing: those in use, and all made since.
struct Usable {
    const std::vector<char>* is_usable = nullptr;  ///< null: all are
    int first_new = 0;

    [[nodiscard]] bool operator()(int n) const noexcept {
        return is_usable == nullptr || n >= first_new
               || (*is_usable)[static_cast<std::size_t>(n)] != 0;
    }
};

}  // namespace hgq2rtl::cmvm
