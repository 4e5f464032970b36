#include "cmvm_nodes.hpp"

#include <algorithm>
#include <cstdlib>

#include "cmvm_cost.hpp"
#include "cmvm_random.hpp"

namespace hgq2rtl::cmvm {

namespace {

[[nodiscard]] std::uint64_t key_of(std::uint64_t hash) noexcept {
    return std::min(hash, 0 - hash);
}

[[nodiscard]] Interval scaled(Interval interval, int sign, int shift) noexcept {
    const Int unit = Int{1} << shift;
    return sign > 0 ? Interval{interval.lo * unit, interval.hi * unit}
                    : Interval{-interval.hi * unit, -interval.lo * unit};
}

void widen(Interval& interval, Int coefficient, const Interval& input) noexcept {
    if (coefficient > 0) {
        interval.lo += coefficient * input.lo;
        interval.hi += coefficient * input.hi;
    } else {
        interval.lo += coefficient * input.hi;
        interval.hi += coefficient * input.lo;
    }
}

/// `kx * x + ky * y`, both in the order of the inputs.
void add_scaled(std::span<const Coefficient> x, std::int64_t kx, std::span<const Coefficient> y,
                std::int64_t ky, Form& sum) {
    sum.clear();
    std::size_t i = 0, j = 0;
    while (i < x.size() || j < y.size()) {
        if (j == y.size() || (i < x.size() && x[i].input < y[j].input)) {
            sum.push_back({x[i].input, x[i].value * kx});
            ++i;
        } else if (i == x.size() || y[j].input < x[i].input) {
            sum.push_back({y[j].input, y[j].value * ky});
            ++j;
        } else {
            if (const auto value = x[i].value * kx + y[j].value * ky; value != 0) {
                sum.push_back({x[i].input, value});
            }
            ++i;
            ++j;
        }
    }
}

/// Widths from the interval.
void measure(Node& node) noexcept {
    const auto& [lo, hi] = node.interval;
    node.width = bit_width(hi - lo);
    node.bits = {static_cast<std::int16_t>(signed_bits({lo, hi})),
                 static_cast<std::int16_t>(signed_bits({-hi, -lo}))};
}

}  // namespace

void add_forms(std::span<const Coefficient> x, std::span<const Coefficient> y, Form& sum) {
    add_scaled(x, 1, y, 1, sum);
}

int trailing_zeros(std::span<const Coefficient> form) noexcept {
    std::uint64_t bits = 0;
    for (const auto& c : form) {
        bits |= static_cast<std::uint64_t>(c.value);
    }
    return bits == 0 ? 0 : __builtin_ctzll(bits);
}

int bit_width(Int number) noexcept {
    const auto high = static_cast<std::uint64_t>(number >> 64);
    const auto low = static_cast<std::uint64_t>(number);
    return high != 0 ? 128 - __builtin_clzll(high) : low != 0 ? 64 - __builtin_clzll(low) : 0;
}

Term trivial_sum(Term x, Term y) noexcept {
    if (x.node < 0) {
        return y;
    }
    if (y.node < 0) {
        return x;
    }
    if (x.node == y.node) {
        if (x.shift == y.shift) {
            return x.sign == y.sign
                       ? Term{x.node, static_cast<std::int16_t>(x.shift + 1), x.sign}
                       : Term{};
        }
        const Term& low = x.shift < y.shift ? x : y;
        const Term& high = x.shift < y.shift ? y : x;
        if (high.shift == low.shift + 1 && high.sign != low.sign) {
            return -low;
        }
    }
    return {-2, 0, 1};
}

Nodes::Nodes(std::span<const Interval> inputs, std::span<const int> arrivals, const Cost& cost)
    : inputs_(static_cast<int>(inputs.size())), cost_(&cost) {
    Random random(0x5eed);
    reindex(64);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        multiplier_.push_back(random.next() | 1);
        odd_.push_back(random.next());
        intervals_.push_back(inputs[i]);
        add_leaf(std::array{Coefficient{static_cast<std::int32_t>(i), 1}}, arrivals[i]);
    }
}

std::uint64_t Nodes::hash_of_sum(Term x, Term y) const noexcept {
    const int base = std::min(x.shift, y.shift);
    const std::uint64_t hx = (*this)[x.node].hash << (x.shift - base);
    const std::uint64_t hy = (*this)[y.node].hash << (y.shift - base);
    return (x.sign > 0 ? hx : 0 - hx) + (y.sign > 0 ? hy : 0 - hy);
}

Interval Nodes::bound_of_sum(Term x, Term y) const noexcept {
    const int base = std::min(x.shift, y.shift);
    const auto ix = scaled((*this)[x.node].interval, x.sign, x.shift - base);
    const auto iy = scaled((*this)[y.node].interval, y.sign, y.shift - base);
    return {ix.lo + iy.lo, ix.hi + iy.hi};
}

Interval Nodes::interval_of_sum(Term x, Term y) {
    if (((*this)[x.node].support & (*this)[y.node].support) == 0) {
        return bound_of_sum(x, y);
    }
    sum_forms(x, y);
    return interval_of(sum_);
}

Interval Nodes::interval_of(std::span<const Coefficient> form) const noexcept {
    Interval result;
    for (const auto& [input, value] : form) {
        widen(result, value, input_interval(input));
    }
    return result;
}

void Nodes::sum_forms(Term x, Term y) {
    const int base = std::min(x.shift, y.shift);
    add_scaled(form(x.node), std::int64_t{x.sign} << (x.shift - base), form(y.node),
               std::int64_t{y.sign} << (y.shift - base), sum_);
}

Term Nodes::new_sum(Term x, Term y) {
    const int price = cost_->of_sum(*this, x, y, interval_of_sum(x, y));
    sum_forms(x, y);
    if (sum_.empty()) {
        return {};
    }
    // The lower operand is added; of two at the same place, the first that can be.
    const Term& lower = x.shift < y.shift ? x : y.shift < x.shift ? y : x.sign > 0 ? x : y;
    const std::int16_t sign = lower.sign;
    const int zeros = trailing_zeros(sum_);
    const int base = std::min(x.shift, y.shift) + zeros;
    Node node;
    const Term unit{0, static_cast<std::int16_t>(-base), sign};
    node.price = price;
    node.a = x.times(unit);
    node.b = y.times(unit);
    node.depth = std::max((*this)[x.node].depth, (*this)[y.node].depth) + 1;
    for (auto& c : sum_) {
        c.value = (c.value >> zeros) * sign;
    }
    return {push(node, sum_), static_cast<std::int16_t>(base), sign};
}

int Nodes::add_leaf(std::span<const Coefficient> form, int depth) {
    Node node;
    node.depth = depth;
    return push(node, form);
}

int Nodes::push(Node node, std::span<const Coefficient> form) {
    node.first = static_cast<std::uint32_t>(coefficients_.size());
    for (const auto& [input, value] : form) {
        const auto i = static_cast<std::size_t>(input);
        coefficients_.push_back({input, value});
        node.hash += static_cast<std::uint64_t>(value) * multiplier_[i];
        node.size = std::max(node.size, static_cast<std::int16_t>(bit_width(std::abs(value))));
        node.parity ^= (value & 1) != 0 ? odd_[i] : 0;
        node.support |= std::uint64_t{1} << (i % 64);
    }
    node.end = static_cast<std::uint32_t>(coefficients_.size());
    node.interval = interval_of(form);
    measure(node);
    nodes_.push_back(node);
    index(size() - 1);
    return size() - 1;
}

std::size_t Nodes::slot_of(std::uint64_t key) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = static_cast<std::size_t>((key * 0x9e3779b97f4a7c15u) >> 32) & mask;
    while (slots_[slot] >= 0 && key_of((*this)[slots_[slot]].hash) != key) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

int Nodes::find(std::uint64_t hash) const noexcept { return slots_[slot_of(key_of(hash))]; }

void Nodes::index(int n) {
    if (2 * (used_ + 1) > slots_.size()) {
        reindex(2 * slots_.size());
        return;  // which holds `n` already
    }
    auto& slot = slots_[slot_of(key_of((*this)[n].hash))];
    used_ += slot < 0;
    nodes_[static_cast<std::size_t>(n)].shadowed = slot;
    slot = n;
}

void Nodes::reindex(std::size_t slots) {
    slots_.assign(slots, -1);
    used_ = 0;
    for (int n = 0; n < size(); ++n) {
        index(n);
    }
}

void Nodes::truncate(int size) {
    // In reverse, so that open addressing ends in the state that it had before.
    for (int n = this->size() - 1; n >= size; --n) {
        auto& slot = slots_[slot_of(key_of((*this)[n].hash))];
        slot = (*this)[n].shadowed;
        used_ -= slot < 0;
    }
    if (size < this->size()) {
        coefficients_.resize((*this)[size].first);
        nodes_.resize(static_cast<std::size_t>(size));
    }
}

}  // namespace hgq2rtl::cmvm
