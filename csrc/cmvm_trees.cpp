#include "cmvm_trees.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "cmvm_cost.hpp"

namespace hgq2rtl::cmvm {

namespace {

constexpr std::size_t many_terms = 24;

}  // namespace

Term Trees::build(Nodes& nodes, std::vector<Term> terms, int levels, const Usable& usable,
                  const TreeOptions& options, Random& random) {
    nodes_ = &nodes;
    usable_ = usable;
    options_ = options;
    random_ = &random;
    levels_ = levels;
    terms_ = std::move(terms);
    if (terms_.empty()) {
        return {};
    }
    merge_down(static_cast<std::size_t>(std::min(options.exact, most_exact)));
    return terms_.size() == 1 ? terms_[0] : terms_.empty() ? Term{} : build_exactly();
}

bool Trees::is_legal(Term x, Term y) const noexcept {
    const auto dx = kraft((*nodes_)[x.node].depth), dy = kraft((*nodes_)[y.node].depth);
    return std::max(dx, dy) - std::min(dx, dy) <= room_;
}

double Trees::merge_score(Term x, Term y) {
    Nodes& nodes = *nodes_;
    // Of many terms few pairs have common inputs, and any of them will do.
    const auto range = terms_.size() > many_terms ? nodes.bound_of_sum(x, y)
                                                  : nodes.interval_of_sum(x, y);
    const int depth = std::max(nodes[x.node].depth, nodes[y.node].depth) + 1;
    const int base = std::min(x.shift, y.shift);
    double score = 0.02 * depth + options_.noise * random_->uniform();
    if (nodes.cost().is_signed) {
        const int top = base + signed_bits(range);
        return score + static_cast<double>(nodes.cost().of_sum(nodes, x, y, range)) / lut
               + 0.3 * (top - base);
    }
    const Span a = row_span(nodes, x), b = row_span(nodes, y);
    const int top = base + bit_width(range.hi - range.lo);
    const int overlap = overlap_bits(a, b);
    if (overlap == 0) {
        return score + std::max(0, std::max(a.lsb, b.lsb) - std::min(a.top, b.top));
    }
    const int alone = std::max(0, top - std::min(a.top, b.top));
    score += top - std::max(a.top, b.top) + options_.overlap * overlap;
    return score + static_cast<double>(nodes.cost().carry_position) / lut * alone;
}

void Trees::find_partner(std::size_t i) {
    partners_[i] = {};
    for (std::size_t j = 0; j < i; ++j) {
        if (!is_legal(terms_[i], terms_[j])) {
            continue;
        }
        const double score = merge_score(terms_[i], terms_[j]);
        if (partners_[i].other < 0 || score < partners_[i].score) {
            partners_[i] = {static_cast<int>(j), score};
        }
    }
}

void Trees::take_out(std::size_t i) {
    const std::size_t last = terms_.size() - 1;
    terms_[i] = terms_[last];
    terms_.pop_back();
    partners_.pop_back();
    for (std::size_t j = i; j < last; ++j) {
        // Partners lie before their term, so that only later terms can have had the two.
        if (j == i || partners_[j].other == static_cast<int>(i)) {
            find_partner(j);
        } else if (is_legal(terms_[j], terms_[i])) {
            const double score = merge_score(terms_[j], terms_[i]);
            if (partners_[j].other < 0 || score < partners_[j].score) {
                partners_[j] = {static_cast<int>(i), score};
            }
        }
    }
}

void Trees::merge_down(std::size_t count) {
    if (terms_.size() <= count) {
        return;
    }
    Row row{terms_, 0};
    row.measure(*nodes_, levels_);
    room_ = row.room;
    partners_.assign(terms_.size(), {});
    for (std::size_t i = 1; i < terms_.size(); ++i) {
        find_partner(i);
    }
    while (terms_.size() > count) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < terms_.size(); ++i) {
            auto& partner = partners_[i];
            if (partner.other >= 0
                && !is_legal(terms_[i], terms_[static_cast<std::size_t>(partner.other)])) {
                find_partner(i);
            }
            if (partner.other >= 0 && (best == 0 || partner.score < partners_[best].score)) {
                best = i;
            }
        }
        const auto other = static_cast<std::size_t>(partners_[best].other);
        const Term x = terms_[other], y = terms_[best];
        const int depth = std::max((*nodes_)[x.node].depth, (*nodes_)[y.node].depth) + 1;
        const Term sum = nodes_->sum(x, y, depth, usable_);
        room_ += kraft((*nodes_)[x.node].depth) + kraft((*nodes_)[y.node].depth);
        // The last term moves into the later place, the sum into the earlier one.
        take_out(best);
        if (sum.node < 0) {  // the two cancelled
            take_out(other);
            continue;
        }
        room_ -= kraft((*nodes_)[sum.node].depth);
        terms_[other] = sum;
        find_partner(other);
        for (std::size_t i = 0; i < terms_.size(); ++i) {
            if (partners_[i].other == static_cast<int>(other)) {
                find_partner(i);
            } else if (i > other && is_legal(terms_[i], sum)) {
                const double score = merge_score(terms_[i], sum);
                if (partners_[i].other < 0 || score < partners_[i].score) {
                    partners_[i] = {static_cast<int>(other), score};
                }
            }
        }
    }
}

Term Trees::build_exactly() {
    const Nodes& nodes = *nodes_;
    int deepest = 0;
    base_ = terms_[0].shift;
    shallowest_ = nodes[terms_[0].node].depth;
    for (const auto& term : terms_) {
        base_ = std::min<int>(base_, term.shift);
        shallowest_ = std::min(shallowest_, nodes[term.node].depth);
        deepest = std::max(deepest, nodes[term.node].depth);
    }
    const int count = static_cast<int>(terms_.size());
    const int depth = std::min(levels_, deepest + count - 1);
    depths_ = depth - shallowest_ + 1;
    const std::size_t all = (std::size_t{1} << count) - 1;
    const Best unknown{std::numeric_limits<int>::max() / 4, -1};
    best_.assign((all + 1) * static_cast<std::size_t>(depths_), unknown);
    for (std::size_t part = 1; part <= all; ++part) {
        describe(part);
        find_best(part);
    }
    return assemble(all, depth);
}

void Trees::describe(std::size_t number) {
    Nodes& nodes = *nodes_;
    Part& part = parts_[number];
    const auto low = static_cast<std::size_t>(std::countr_zero(number));
    const Term term = terms_[low];
    const std::size_t rest = number & (number - 1);
    const auto& node = nodes[term.node];
    auto& form = forms_[number];
    form.clear();
    part.is_zero = false;
    if (rest == 0) {
        const Int unit = Int{1} << (term.shift - base_);
        part.range = term.sign > 0 ? Interval{node.interval.lo * unit, node.interval.hi * unit}
                                   : Interval{-node.interval.hi * unit, -node.interval.lo * unit};
        part.lsb = term.shift;
        part.known = term;
        part.support = node.support;
        for (const auto& [input, value] : nodes.form(term.node)) {
            form.push_back({input, value * term.sign * (std::int64_t{1} << (term.shift - base_))});
        }
    } else {
        const Part &a = parts_[std::size_t{1} << low], &b = parts_[rest];
        part.support = a.support | b.support;
        part.known = {-2, 0, 1};
        add_forms(forms_[std::size_t{1} << low], forms_[rest], form);
        part.is_zero = form.empty();
        if ((a.support & b.support) == 0) {
            part.range = {a.range.lo + b.range.lo, a.range.hi + b.range.hi};
            part.lsb = std::min(a.lsb, b.lsb);
        } else {
            part.range = nodes.interval_of(form);
            part.lsb = base_ + trailing_zeros(form);
        }
        if (part.is_zero) {
            part.known = {};
        } else {
            part.known = nodes.find_form(form, part.lsb - base_, levels_, usable_);
            part.known.shift = static_cast<std::int16_t>(part.lsb);
        }
    }
    if (nodes.cost().is_signed) {
        part.top = base_ + signed_bits(part.range);
    } else {
        part.top = base_ + bit_width(part.range.hi - part.range.lo);
    }
}

int Trees::price(const Part& a, const Part& b, const Part& sum) const {
    const Cost& cost = nodes_->cost();
    if (!cost.is_signed) {
        return cost.of_row({a.lsb, a.top}, {b.lsb, b.top}, sum.top);
    }
    const Part &lower = a.lsb <= b.lsb ? a : b, &higher = a.lsb <= b.lsb ? b : a;
    const bool is_concatenation =
        lower.range.lo >= 0 && lower.top <= higher.lsb && lower.lsb < higher.lsb;
    return Cost::of_adder({lower.lsb, lower.top}, {higher.lsb, higher.top}, sum.top, false,
                          is_concatenation);
}

void Trees::find_best(std::size_t number) {
    const Part& part = parts_[number];
    Best* best = &best_[number * static_cast<std::size_t>(depths_)];
    if (part.known.node != -2) {
        const int depth = part.known.node < 0 ? 0 : (*nodes_)[part.known.node].depth;
        for (int d = std::max(0, depth - shallowest_); d < depths_; ++d) {
            best[d] = {0, 0};
        }
        if (depth <= shallowest_ || (number & (number - 1)) == 0) {
            return;
        }
    }
    const std::size_t low = number & (0 - number), rest = number ^ low;
    for (std::size_t b = rest; b != 0; b = (b - 1) & rest) {  // the part without the lowest term
        const std::size_t a = number ^ b;
        int extra = price(parts_[a], parts_[b], part);
        if (options_.noise > 0) {
            extra += random_->below(1 + static_cast<int>(options_.noise * lut));
        }
        const Best* best_a = &best_[a * static_cast<std::size_t>(depths_)];
        const Best* best_b = &best_[b * static_cast<std::size_t>(depths_)];
        for (int d = 1; d < depths_; ++d) {
            const int total = best_a[d - 1].price + best_b[d - 1].price + extra;
            if (total < best[d].price) {
                best[d] = {total, static_cast<std::int16_t>(a)};
            }
        }
    }
}

Term Trees::assemble(std::size_t part, int depth) {
    const auto split = static_cast<std::size_t>(
        best_[part * static_cast<std::size_t>(depths_)
              + static_cast<std::size_t>(depth - shallowest_)]
            .split);
    if (split == 0) {
        return parts_[part].known;
    }
    const Term x = assemble(split, depth - 1), y = assemble(part ^ split, depth - 1);
    return nodes_->sum(x, y, depth, usable_);
}

}  // namespace hgq2rtl::cmvm
