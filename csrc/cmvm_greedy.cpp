#include "cmvm_greedy.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "cmvm_cost.hpp"
#include "cmvm_random.hpp"

namespace hgq2rtl::cmvm {

namespace {

constexpr int shift_bias = 128;

/// The pair `x + y` whatever its sign and power of two: node, node, distance, relative sign.
/// The nodes are ordered, and so are the shifts of a node with itself.
[[nodiscard]] std::uint64_t key_of(Term x, Term y) noexcept {
    if (y.node < x.node || (y.node == x.node && y.shift < x.shift)) {
        std::swap(x, y);
    }
    const auto distance = static_cast<std::uint64_t>(y.shift - x.shift + shift_bias);
    return (static_cast<std::uint64_t>(x.node + 1) << 36)
           | (static_cast<std::uint64_t>(y.node) << 10) | distance << 1
           | static_cast<std::uint64_t>(x.sign == y.sign);
}

/// The terms of a key, the lower one at shift 0 and the first positive.
[[nodiscard]] std::pair<Term, Term> terms_of(std::uint64_t key) noexcept {
    const int distance = static_cast<int>((key >> 1) & 0x1ff) - shift_bias;
    const int base = std::min(0, distance);
    Term x{static_cast<std::int32_t>(key >> 36) - 1, static_cast<std::int16_t>(-base), 1};
    Term y{static_cast<std::int32_t>((key >> 10) & 0x3ffffff),
           static_cast<std::int16_t>(distance - base),
           static_cast<std::int16_t>((key & 1) != 0 ? 1 : -1)};
    return {x, y};
}

}  // namespace

Pair* Pairs::find(std::uint64_t key) noexcept {
    for (std::size_t i = home(key);; i = (i + 1) & (slots_.size() - 1)) {
        if (slots_[i].key == key) {
            return &slots_[i];
        }
        if (slots_[i].key == 0) {
            return nullptr;
        }
    }
}

Pair& Pairs::at(std::uint64_t key) {
    std::size_t i = home(key);
    while (slots_[i].key != key && slots_[i].key != 0) {
        i = (i + 1) & (slots_.size() - 1);
    }
    if (slots_[i].key == key) {
        return slots_[i];
    }
    if (2 * (used_ + 1) > slots_.size()) {
        std::vector<Pair> old(2 * slots_.size());
        old.swap(slots_);
        used_ = 0;
        for (const auto& pair : old) {
            if (pair.key != 0) {
                at(pair.key) = pair;
            }
        }
        return at(key);
    }
    ++used_;
    slots_[i] = {};
    slots_[i].key = key;
    return slots_[i];
}

void Pairs::erase(Pair* pair) noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t hole = static_cast<std::size_t>(pair - slots_.data());
    for (std::size_t i = (hole + 1) & mask; slots_[i].key != 0; i = (i + 1) & mask) {
        // What would not be found before the hole moves into it.
        if (((i - home(slots_[i].key)) & mask) >= ((i - hole) & mask)) {
            slots_[hole] = slots_[i];
            hole = i;
        }
    }
    slots_[hole].key = 0;
    --used_;
}

void Pairs::clear() {
    if (used_ != 0) {
        std::fill(slots_.begin(), slots_.end(), Pair{});
    }
    used_ = 0;
}

void Greedy::run(Nodes& nodes, std::span<Row> rows, const Usable& usable, GreedyOptions options) {
    nodes_ = &nodes;
    rows_ = rows;
    usable_ = usable;
    options_ = options;
    pairs_.clear();
    heap_.clear();
    fresh_.clear();
    words_ = (rows.size() + 63) / 64;
    holders_.assign(static_cast<std::size_t>(nodes.size()) * words_, 0);
    for (int r = 0; r < static_cast<int>(rows.size()); ++r) {
        std::vector<Term> terms;
        terms.swap(rows[static_cast<std::size_t>(r)].terms);
        for (const auto& term : terms) {
            add(r, term);
        }
        fresh_.clear();
    }
    for (auto& pair : pairs_.slots()) {
        if (pair.key != 0) {
            queue(pair);
        }
    }
    while (!heap_.empty()) {
        std::pop_heap(heap_.begin(), heap_.end());
        const Entry top = heap_.back();
        heap_.pop_back();
        Pair* pair = pairs_.find(top.key);
        if (pair == nullptr) {
            continue;
        }
        pair->queued = pair->count;  // as all that follows sees it
        if (const auto most = score(*pair, pair->count); most < top.score) {
            push(most, top.key);
            continue;
        }
        const auto [x, y] = terms_of(top.key);
        const int dx = nodes[x.node].depth, dy = nodes[y.node].depth;
        const int deepest = std::numeric_limits<int>::max();
        Term sum = nodes.known_sum(x, y, deepest, usable_);
        const int depth = sum.node >= 0 ? nodes[sum.node].depth : std::max(dx, dy) + 1;
        const auto need = std::max<std::int64_t>(0, kraft(depth) - kraft(dx) - kraft(dy));
        find_matches(x, y, need);
        const auto found = score(*pair, static_cast<std::int64_t>(matches_.size()));
        if (found < top.score) {
            push(found, top.key);
            continue;
        }
        if (sum.node == -2) {
            sum = nodes.new_sum(x, y);
        }
        replace(x, y, need, sum);
        fresh_.push_back(top.key);
        if (Pair* rest = pairs_.find(top.key); rest != nullptr) {
            rest->queued = 0;
        }
        queue_fresh();
    }
}

std::int64_t Greedy::score(const Pair& pair, std::int64_t count) const noexcept {
    const std::int64_t saved = (pair.is_known ? count : count - 1) * pair.price;
    if (options_.noise == 0) {
        return saved;
    }
    const double draw = static_cast<double>(mixed(pair.key ^ options_.salt) >> 11) * 0x1p-52 - 1;
    return static_cast<std::int64_t>(static_cast<double>(saved) * (1 + options_.noise * draw));
}

void Greedy::count(int row, Term term, int change) {
    const auto& terms = rows_[static_cast<std::size_t>(row)].terms;
    keys_.clear();
    for (const auto& other : terms) {
        keys_.push_back(key_of(term, other));
        pairs_.prefetch(keys_.back());
    }
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (change > 0) {
            Pair& pair = pairs_.at(keys_[i]);
            if (++pair.count == 1 && options_.reuses) {
                const auto [x, y] = terms_of(pair.key);
                const int known = nodes_->find(nodes_->hash_of_sum(x, y));
                pair.is_known = known >= 0 && usable_(known);
            }
            fresh_.push_back(pair.key);
        } else if (Pair* pair = pairs_.find(keys_[i]); --pair->count == 0) {
            pairs_.erase(pair);
        }
    }
}

void Greedy::add(int row, Term term) {
    auto& terms = rows_[static_cast<std::size_t>(row)];
    // Like terms meet: what they become is counted in their place.
    for (bool met = true; met && term.node >= 0;) {
        met = false;
        for (const auto& other : terms.of(term.node)) {
            if (const Term both = trivial_sum(other, term); both.node != -2) {
                const Term gone = other;
                remove(row, gone);
                term = both;
                met = true;
                break;
            }
        }
    }
    if (term.node < 0) {
        return;
    }
    count(row, term, 1);
    terms.add(term);
    mark(row, term.node);
}

void Greedy::mark(int row, int node) {
    const std::size_t at = static_cast<std::size_t>(node) * words_;
    if (at >= holders_.size()) {
        holders_.resize(at + words_, 0);
    }
    const auto bit = std::uint64_t{1} << (row % 64);
    auto& word = holders_[at + static_cast<std::size_t>(row / 64)];
    word = rows_[static_cast<std::size_t>(row)].of(node).empty() ? word & ~bit : word | bit;
}

void Greedy::remove(int row, Term term) {
    auto& terms = rows_[static_cast<std::size_t>(row)];
    terms.remove(static_cast<std::size_t>(terms.position(term.node, term.shift)));
    count(row, term, -1);
    mark(row, term.node);
}

void Greedy::queue(Pair& pair) {
    if (pair.count <= pair.queued || (pair.count < 2 && !pair.is_known)) {
        return;
    }
    if (pair.price < 0) {
        const auto [x, y] = terms_of(pair.key);
        pair.price = nodes_->cost().of_sum(*nodes_, x, y, nodes_->interval_of_sum(x, y));
    }
    pair.queued = pair.count;
    push(score(pair, pair.count), pair.key);
}

void Greedy::push(std::int64_t score, std::uint64_t key) {
    if (score > 0) {
        heap_.push_back({score, key});
        std::push_heap(heap_.begin(), heap_.end());
    }
}

void Greedy::queue_fresh() {
    for (const auto key : fresh_) {
        if (Pair* pair = pairs_.find(key); pair != nullptr) {
            queue(*pair);
        }
    }
    fresh_.clear();
}

void Greedy::find_matches(Term x, Term y, std::int64_t need) {
    matches_.clear();
    const std::uint64_t* of_x = &holders_[static_cast<std::size_t>(x.node) * words_];
    const std::uint64_t* of_y = &holders_[static_cast<std::size_t>(y.node) * words_];
    for (std::size_t w = 0; w < words_; ++w) {
        for (auto both = of_x[w] & of_y[w]; both != 0; both &= both - 1) {
            find_matches(static_cast<int>(64 * w) + std::countr_zero(both), x, y, need);
        }
    }
}

void Greedy::find_matches(int r, Term x, Term y, std::int64_t need) {
    const Row& row = rows_[static_cast<std::size_t>(r)];
    std::int64_t room = row.room;
    const std::size_t first = matches_.size();
    for (const auto& u : row.of(x.node)) {
        if (room < need) {
            return;
        }
        const int at = row.position(y.node, u.shift + y.shift - x.shift);
        if (at < 0) {
            continue;
        }
        const Term v = row.terms[static_cast<std::size_t>(at)];
        if (v.sign * u.sign != x.sign * y.sign) {
            continue;
        }
        // Of a node with itself, a term serves once.
        const bool is_free = x.node != y.node
                             || std::none_of(matches_.begin() + static_cast<std::ptrdiff_t>(first),
                                             matches_.end(),
                                             [&](const Match& m) { return m.v == u; });
        if (is_free) {
            matches_.push_back({r, u, v});
            room -= need;
        }
    }
}

void Greedy::replace(Term x, Term y, std::int64_t need, Term sum) {
    for (const auto& [row, u, v] : matches_) {
        // An earlier replacement in this row may have met one of the two.
        const Row& terms = rows_[static_cast<std::size_t>(row)];
        const auto holds = [&](Term t) {
            const int at = terms.position(t.node, t.shift);
            return at >= 0 && terms.terms[static_cast<std::size_t>(at)] == t;
        };
        if (!holds(u) || !holds(v)) {
            continue;
        }
        remove(row, u);
        remove(row, v);
        rows_[static_cast<std::size_t>(row)].room -= need;
        if (sum.node >= 0) {
            const Term unit{0, static_cast<std::int16_t>(u.shift - x.shift),
                            static_cast<std::int16_t>(u.sign * x.sign)};
            add(row, sum.times(unit));
        }
    }
    (void)y;
}

}  // namespace hgq2rtl::cmvm
