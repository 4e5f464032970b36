#include "cmvm_rows.hpp"

#include <algorithm>

namespace hgq2rtl::cmvm {

namespace {

[[nodiscard]] bool comes_before(Term a, Term b) noexcept {
    return a.node != b.node ? a.node < b.node : a.shift < b.shift;
}

}  // namespace

void Row::add(Term term) {
    while (term.node >= 0) {
        auto at = std::lower_bound(terms.begin(), terms.end(), term, comes_before);
        // A like term lies at the same place, or one place away with the other sign.
        auto like = terms.end();
        for (auto near : {at, at - (at == terms.begin() ? 0 : 1),
                          at + (at == terms.end() ? 0 : 1)}) {
            if (near != terms.end() && trivial_sum(*near, term).node != -2) {
                like = near;
                break;
            }
        }
        if (like == terms.end()) {
            terms.insert(at, term);
            return;
        }
        term = trivial_sum(*like, term);
        terms.erase(like);
    }
}

std::span<const Term> Row::of(int node) const noexcept {
    const auto first = std::lower_bound(terms.begin(), terms.end(), node,
                                        [](Term a, int n) { return a.node < n; });
    auto last = first;
    while (last != terms.end() && last->node == node) {
        ++last;
    }
    return {first, last};
}

int Row::position(int node, int shift) const noexcept {
    const Term wanted{node, static_cast<std::int16_t>(shift), 1};
    const auto at = std::lower_bound(terms.begin(), terms.end(), wanted, comes_before);
    const bool is_there = at != terms.end() && at->node == node && at->shift == shift;
    return is_there ? static_cast<int>(at - terms.begin()) : -1;
}

void Row::measure(const Nodes& nodes, int levels) {
    room = kraft(levels);
    for (const auto& term : terms) {
        room -= kraft(nodes[term.node].depth);
    }
}

}  // namespace hgq2rtl::cmvm
